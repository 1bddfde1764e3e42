/**
 * Reads the form bodies of the `ec2` and `query` protocols (`Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-...`) into the input
 * the SDK was given. What differs: ec2 capitalises names and writes lists flat, query puts `member` between.
 */
import type { NormalizedSchema } from '@smithy/core/schema';
import { AwsError } from '../error.ts';
import { scalarFromText } from './scalar.ts';

interface Node {
  value?: string;
  readonly children: Map<string, Node>;
}

/** Deeper or wider input than any client sends is refused before it costs memory. */
const depthMax = 24;
const pairsMax = 20_000;

export type Form = 'ec2' | 'query';

/** Members of every form that are not the operation's. */
const envelope: ReadonlySet<string> = new Set(['Action', 'Version']);

export function readForm(schema: NormalizedSchema, parameters: URLSearchParams, form: Form): unknown {
  const root: Node = { children: new Map() };
  let pairs = 0;
  for (const [key, value] of parameters) {
    if (++pairs > pairsMax) throw new AwsError('MalformedQueryString', `more than ${pairsMax} parameters`);
    if (envelope.has(key)) continue;
    const parts = key.split('.');
    if (parts.length > depthMax)
      throw new AwsError('MalformedQueryString', `parameter ${key.slice(0, 100)} is too deep`);
    let node = root;
    for (const part of parts) {
      let child = node.children.get(part);
      if (child === undefined) node.children.set(part, (child = { children: new Map() }));
      node = child;
    }
    node.value = value;
  }
  return schema.isStructSchema() ? readStruct(schema, root, form, '') : {};
}

function readNode(schema: NormalizedSchema, node: Node, form: Form, path: string): unknown {
  if (schema.isStructSchema()) return readStruct(schema, node, form, path);
  if (schema.isListSchema()) return readList(schema, node, form, path);
  if (schema.isMapSchema()) return readMap(schema, node, form, path);
  if (node.value === undefined)
    throw new AwsError('InvalidParameterValue', `parameter ${path} has members but takes one value`);
  return scalarFromText(schema, node.value, path);
}

function readStruct(schema: NormalizedSchema, node: Node, form: Form, path: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const known = new Set<string>();
  for (const [name, member] of schema.structIterator()) {
    const key = formName(name, member, form);
    known.add(key);
    const child = node.children.get(key);
    if (child !== undefined) out[name] = readNode(member, child, form, join(path, key));
  }
  for (const key of node.children.keys())
    // EC2 answers an unknown name so: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    if (!known.has(key)) throw new AwsError('UnknownParameter', `The parameter ${join(path, key)} is not recognized`);
  return out;
}

function readList(schema: NormalizedSchema, node: Node, form: Form, path: string): unknown[] {
  const element = schema.getValueSchema();
  const traits = schema.getMergedTraits();
  const inner =
    form === 'query' && !traits.xmlFlattened ? node.children.get(element.getMergedTraits().xmlName ?? 'member') : node;
  // An empty list is sent as `Name=`.
  if (inner === undefined) return [];
  return [...inner.children]
    .map(([key, child]) => ({ index: Number(key), child }))
    .toSorted((a, b) => a.index - b.index)
    .map(({ index, child }) => {
      if (!Number.isInteger(index))
        throw new AwsError('InvalidParameterValue', `parameter ${path} takes a numbered list`);
      return readNode(element, child, form, join(path, String(index)));
    });
}

function readMap(schema: NormalizedSchema, node: Node, form: Form, path: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const keyName = schema.getKeySchema().getMergedTraits().xmlName ?? 'key';
  const valueName = schema.getValueSchema().getMergedTraits().xmlName ?? 'value';
  for (const entry of (node.children.get('entry') ?? node).children.values()) {
    const key = entry.children.get(keyName)?.value;
    const value = entry.children.get(valueName);
    if (key !== undefined && value !== undefined)
      out[key] = readNode(schema.getValueSchema(), value, form, join(path, key));
  }
  return out;
}

function formName(name: string, member: NormalizedSchema, form: Form): string {
  const traits = member.getMergedTraits();
  if (form === 'query') return traits.xmlName ?? name;
  const ec2 = traits['ec2QueryName'];
  if (typeof ec2 === 'string') return ec2;
  const wire = traits.xmlName ?? name;
  return wire.charAt(0).toUpperCase() + wire.slice(1);
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);
