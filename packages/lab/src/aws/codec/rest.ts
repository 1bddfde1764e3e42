/** HTTP bindings of the REST protocols: which operation a method and path name, and members in path, query and headers. */
import type { NormalizedSchema } from '@smithy/core/schema';
import type { OperationModel } from '../model/service.ts';
import { scalarFromText } from './scalar.ts';

export interface Routed {
  readonly operation: OperationModel;
  readonly labels: Readonly<Record<string, string>>;
}

/** The operation whose template fits. Constants win over labels, and query constants (`?prefix`) over none. */
export function route(operations: Iterable<OperationModel>, method: string, url: URL): Routed | undefined {
  let best: (Routed & { readonly score: number }) | undefined;
  for (const operation of operations) {
    if (operation.http === undefined || operation.http[0] !== method) continue;
    const [template = '', constants = ''] = operation.http[1].split('?');
    const wanted = [...new URLSearchParams(constants)];
    if (
      !wanted.every(
        ([name, value]) => url.searchParams.has(name) && (value === '' || url.searchParams.get(name) === value),
      )
    )
      continue;
    const labels = match(template, url.pathname);
    if (labels === undefined) continue;
    const score = template.length * 4 - Object.keys(labels).length * 100 + wanted.length;
    if (best === undefined || score > best.score) best = { operation, labels, score };
  }
  return best;
}

function match(template: string, pathname: string): Record<string, string> | undefined {
  const wanted = template.split('/');
  const given = pathname.replace(/(.)\/$/, '$1').split('/');
  const labels: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const label = /^\{(\w+)(\+)?\}$/.exec(part);
    if (label === null) {
      if (part !== given[i]) return undefined;
    } else if (label[2] === '+') {
      labels[label[1]!] = given.slice(i).map(decode).join('/');
      return labels;
    } else {
      if (given[i] === undefined || given[i] === '') return undefined;
      labels[label[1]!] = decode(given[i]);
    }
  }
  return wanted.length === given.length ? labels : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Adds the members bound to the path, the query string and the headers to what the body gave. */
export function readBindings(
  schema: NormalizedSchema,
  routed: Routed,
  url: URL,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  into: Record<string, unknown>,
): Record<string, unknown> {
  for (const [name, member] of schema.structIterator()) {
    const traits = member.getMergedTraits();
    if (traits.httpLabel) into[name] = scalarFromText(member, routed.labels[name] ?? '', name);
    else if (traits.httpQuery !== undefined) {
      const values = url.searchParams.getAll(traits.httpQuery);
      if (values.length === 0) continue;
      into[name] = member.isListSchema()
        ? values.map((value) => scalarFromText(member.getValueSchema(), value, name))
        : scalarFromText(member, values[0]!, name);
    } else if (traits.httpHeader !== undefined) {
      const value = headers[traits.httpHeader.toLowerCase()];
      if (typeof value === 'string') into[name] = scalarFromText(member, value, name);
    }
  }
  return into;
}

/** Response headers bound to members (`Location` of Route 53). */
export function writeHeaders(schema: NormalizedSchema, output: object): Record<string, string> {
  const headers: Record<string, string> = {};
  if (!schema.isStructSchema()) return headers;
  for (const [name, member] of schema.structIterator()) {
    const header = member.getMergedTraits().httpHeader;
    const value = (output as Record<string, unknown>)[name];
    if (header !== undefined && (typeof value === 'string' || typeof value === 'number'))
      headers[header] = String(value);
  }
  return headers;
}
