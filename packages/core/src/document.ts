import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, type Document } from 'yaml';
import type { z } from 'zod';
import { type Diagnostic, ConfigError, formatPath } from './diagnostics.ts';
import { didYouMean } from './did-you-mean.ts';
import { knownKeys } from './known-keys.ts';

/** YAML text -> value + diagnostics with positions. PURE: the caller reads the file. */

/** Far above any hand-written file; bounds the parser's memory (about 50x the text). */
export const documentBytesMax = 4 * 2 ** 20;

/** A YAML document that parsed, with the means to point into it. */
export interface ParsedDocument {
  readonly file: string;
  readonly node: Document.Parsed;
  readonly value: unknown;
  /** The position of the node at `path`, or of its nearest parent that exists. `key` points at the key instead of the value. */
  locate(path: readonly PropertyKey[], key?: boolean): { line: number; col: number };
}

/** Splits a YAML stream and reports syntax errors, duplicate keys and aliases out of bounds. Empty documents are left out. */
export function parseYaml(file: string, text: string): { documents: ParsedDocument[]; diagnostics: Diagnostic[] } {
  if (text.length > documentBytesMax)
    return {
      documents: [],
      diagnostics: [at(file, { line: 1, col: 1 }, [], `is larger than ${documentBytesMax} bytes`)],
    };
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    version: '1.2',
    logLevel: 'error', // its warnings would go to the process's standard error, past the diagnostics
  });
  const diagnostics: Diagnostic[] = [];
  const documents: ParsedDocument[] = [];
  for (const node of 'empty' in parsed ? [] : parsed) {
    const place = (offset: number) => position(lines, offset);
    for (const error of node.errors) diagnostics.push(at(file, place(error.pos[0]), [], error.message));
    if (node.errors.length > 0 || isEmpty(node)) continue;
    try {
      // 100 aliases: no file of ours needs them, and an alias bomb does (CVE-2019-11253's class).
      const value: unknown = node.toJS({ maxAliasCount: 100 });
      documents.push({ file, node, value, locate: (path, key) => place(offsetOf(node, path, key ?? false)) });
    } catch (error) {
      diagnostics.push(
        at(file, place(node.contents?.range[0] ?? 0), [], error instanceof Error ? error.message : String(error)),
      );
    }
  }
  return { documents, diagnostics };
}

/** What a trailing `---` leaves behind. An explicit `null` or `~` is a document, and a wrong one. */
function isEmpty({ contents }: Document.Parsed): boolean {
  return contents === null || (isScalar(contents) && contents.value === null && contents.source === '');
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Checks one document against its schema: every problem at once, each with its place. */
export function checkDocument<T>(document: ParsedDocument, schema: z.ZodType<T>): Checked<T> {
  const result = schema.safeParse(document.value);
  if (result.success) return { ok: true, value: result.data };
  return {
    ok: false,
    diagnostics: sorted(result.error.issues.flatMap((issue) => fromIssue(document, schema, issue, []))),
  };
}

/** Reads a file that must hold exactly one document of one schema; throws `ConfigError` with all problems. */
export function loadDocument<T>(file: string, text: string, schema: z.ZodType<T>): T {
  const { documents, diagnostics } = parseYaml(file, text);
  if (diagnostics.length > 0) throw new ConfigError(diagnostics);
  const [document, extra] = documents;
  if (document === undefined) throw new ConfigError([at(file, { line: 1, col: 1 }, [], 'is empty')]);
  if (extra !== undefined)
    throw new ConfigError([at(file, extra.locate([]), [], 'holds a second document; one is expected')]);
  const checked = checkDocument(document, schema);
  if (!checked.ok) throw new ConfigError(checked.diagnostics);
  return checked.value;
}

type Issue = z.core.$ZodIssue;

function fromIssue(
  document: ParsedDocument,
  schema: z.ZodType,
  issue: Issue,
  prefix: readonly PropertyKey[],
): Diagnostic[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const near = didYouMean(key, knownKeys(schema, path));
      return at(
        document.file,
        document.locate([...path, key], true),
        [...path, key],
        `unknown key${near === undefined ? '' : `, did you mean ${near}?`}`,
      );
    });
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The branch that got furthest is the one that was meant.
    const deepest = issue.errors.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0]!;
    if (depth(deepest) > 0) return deepest.flatMap((inner) => fromIssue(document, schema, inner, path));
  }
  return [at(document.file, document.locate(path), path, messageOf(issue, valueAt(document.value, path)))];
}

function depth(issues: readonly Issue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function messageOf(issue: Issue, value: unknown): string {
  if (issue.code === 'invalid_type' && value === undefined) return `is missing (expected ${issue.expected})`;
  if (issue.code === 'invalid_type')
    return `expected ${issue.expected}, got ${value === null ? 'nothing' : Array.isArray(value) ? 'a list' : typeof value}`;
  if (issue.code === 'invalid_value')
    return `expected ${issue.values.map((v) => JSON.stringify(v)).join(' or ')}, got ${value === undefined ? 'nothing' : JSON.stringify(value)}`;
  return issue.message;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current: unknown = value;
  for (const part of path)
    current =
      typeof current === 'object' && current !== null ? (current as Record<PropertyKey, unknown>)[part] : undefined;
  return current;
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[], key: boolean): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [i, part] of path.entries()) {
    const last = i === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part),
      );
      if (pair === undefined) return offset;
      const keyOffset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
      offset = last && key ? keyOffset : (node?.range?.[0] ?? keyOffset);
    } else if (isSeq(node)) {
      const item = node.items[Number(part)] as Node | undefined;
      if (item === undefined) return offset;
      node = item;
      offset = item.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}

function position(lines: LineCounter, offset: number): { line: number; col: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), col: Math.max(1, col) };
}

function at(
  file: string,
  place: { line: number; col: number },
  path: readonly PropertyKey[],
  message: string,
): Diagnostic {
  return { severity: 'error', file, ...place, path: formatPath(path), message };
}

function sorted(diagnostics: Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted((a, b) => a.line - b.line || a.col - b.col);
}
