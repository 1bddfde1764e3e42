/**
 * Edits of a YAML text that touch the named entries and no other byte: comments, order, quoting and spacing elsewhere stay as
 * their author left them. Each edit takes a text and gives a new one; the caller parses again before the next.
 */
import { PosternError } from '@postern/core';
import {
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

type Path = readonly PropertyKey[];

interface Entry {
  readonly parent: YAMLMap;
  readonly pair: Pair;
  readonly keyStart: number;
  /** End of the value's text, without trailing space or comment. */
  readonly end: number;
}

function root(text: string): Node | null {
  return parseDocument(text, { version: '1.2', uniqueKeys: true, prettyErrors: false }).contents;
}

function nodeAt(text: string, path: Path): Node | undefined {
  let node: unknown = root(text);
  for (const part of path) {
    if (isMap(node)) node = node.items.find((pair) => isScalar(pair.key) && pair.key.value === part)?.value;
    else if (isSeq(node)) node = node.items[Number(part)];
    else return undefined;
  }
  return (node ?? undefined) as Node | undefined;
}

function entryAt(text: string, path: Path): Entry | undefined {
  const parent = nodeAt(text, path.slice(0, -1));
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === path.at(-1));
  if (pair === undefined) return undefined;
  const key = pair.key as Node;
  const keyStart = key.range![0];
  const value = pair.value as Node | null;
  const keyEnd = key.range![1];
  const valueEnd = value?.range?.[1] ?? keyEnd;
  const end = valueEnd - (/\s*$/.exec(text.slice(keyStart, valueEnd))?.[0].length ?? 0);
  return { parent, pair, keyStart, end: Math.max(end, text.indexOf(':', keyEnd) + 1) };
}

/** A text that this module cannot edit without guessing. */
function byHand(path: Path): PosternError {
  return new PosternError(
    'MIGRATE',
    `${path.map(String).join('.')} is written in a form that cannot be edited safely`,
    {
      hint: 'rewrite it by hand; `postern instance validate` names each older spelling',
      exitCode: 2,
    },
  );
}

const newline = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

/** Start of the line that holds `offset`. */
const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;

/** Start of the line after the one that holds `offset`; the text's end after its last line. */
function lineAfter(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}

const column = (text: string, offset: number): number => offset - lineStart(text, offset);

/** The entry's whole lines: from `from` to `to`, without the comments above it. */
function linesOf(text: string, { keyStart, end }: Entry): { from: number; to: number; indent: number } {
  const from = lineStart(text, keyStart);
  const indent = keyStart - from;
  return { from, to: blockEnd(text, end, indent), indent };
}

/** The line after a block that ends at `end`; comments below that are indented deeper than `indent` belong to it. */
function blockEnd(text: string, end: number, indent: number): number {
  let to = lineAfter(text, end);
  for (let next = to; next < text.length; next = lineAfter(text, next)) {
    const line = text.slice(next, lineAfter(text, next));
    if (/^\s*$/.test(line)) continue;
    const spaces = /^ */.exec(line)![0].length;
    if (line[spaces] !== '#' || spaces <= indent) break;
    to = lineAfter(text, next);
  }
  return to;
}

/** Start of the comment lines directly above, at the same indentation. */
function commentsAbove(text: string, from: number, indent: number): number {
  let start = from;
  while (start > 0) {
    const above = lineStart(text, start - 1);
    const line = text.slice(above, start);
    if (/^ */.exec(line)![0].length !== indent || line[indent] !== '#') break;
    start = above;
  }
  return start;
}

/** Removes an entry; its comments stay where they stood. */
export function removeEntry(text: string, path: Path): string {
  const entry = entryAt(text, path);
  if (entry === undefined) return text;
  if (entry.parent.flow === true) return cutFromFlow(text, entry);
  if (!startsItsLine(text, entry)) throw byHand(path);
  const { from, to, indent } = linesOf(text, entry);
  const kept = commentsIn(text, path)
    .map((comment) => `${' '.repeat(indent)}${comment}${newline(text)}`)
    .join('');
  return text.slice(0, from) + kept + text.slice(to);
}

/** Every comment of an entry's lines, in order. */
function commentsIn(text: string, path: Path): string[] {
  const entry = entryAt(text, path)!;
  const { from, to } = linesOf(text, entry);
  const scalars: Array<readonly [number, number]> = [];
  collectScalars(entry.pair.value as Node | null, scalars);
  const comments: string[] = [];
  for (let at = from; at < to; at = lineAfter(text, at)) {
    const end = lineAfter(text, at);
    for (let hash = text.indexOf('#', at); hash !== -1 && hash < end; hash = text.indexOf('#', hash + 1)) {
      const inScalar = scalars.some(([start, stop]) => hash >= start && hash < stop);
      if (inScalar || !(hash === at || /\s/.test(text[hash - 1]!))) continue;
      comments.push(text.slice(hash, end).trimEnd());
      break;
    }
  }
  return comments;
}

function collectScalars(node: Node | null | undefined, into: Array<readonly [number, number]>): void {
  if (isScalar(node)) into.push([node.range![0], node.range![1]]);
  else if (isMap(node)) for (const pair of node.items) collectScalars(pair.value as Node, into);
  else if (isSeq(node)) for (const item of node.items) collectScalars(item as Node, into);
}

function startsItsLine(text: string, { keyStart }: Entry): boolean {
  return text.slice(lineStart(text, keyStart), keyStart).trim() === '';
}

function cutFromFlow(text: string, { parent, pair, keyStart, end }: Entry): string {
  const index = parent.items.indexOf(pair);
  const next = parent.items[index + 1];
  if (next !== undefined) return text.slice(0, keyStart) + text.slice((next.key as Node).range![0]);
  const previous = parent.items[index - 1];
  const from = previous === undefined ? keyStart : ((previous.value ?? previous.key) as Node).range![1];
  return text.slice(0, from) + text.slice(end);
}

/** Moves an entry, with the comments above it, to the end of another map, made where it is missing. */
export function moveEntry(text: string, from: Path, to: Path): string {
  const entry = entryAt(text, from);
  if (entry === undefined) return text;
  const name = String(to.at(-1));
  if (entry.parent.flow === true) {
    const value = text.slice((entry.pair.value as Node).range![0], entry.end);
    return addEntry(cutFromFlow(text, entry), to, `${name}: ${value}`);
  }
  if (!startsItsLine(text, entry)) throw byHand(from);
  const { from: first, to: last, indent } = linesOf(text, entry);
  const start = commentsAbove(text, first, indent);
  const block = text.slice(start, last);
  const target = nodeAt(text, to.slice(0, -1));
  if (isMap(target) && target.flow === true) {
    // There is no room for comments inside `{}`: they stay where the entry stood.
    const value = stringify((entry.pair.value as Node).toJSON(), { collectionStyle: 'flow', lineWidth: 0 }).trimEnd();
    return addEntry(removeEntry(text, from), to, `${name}: ${value}`);
  }
  const lines = block
    .replace(/(\r?\n)$/, '')
    .split(/\r?\n/)
    .map((line) => line.slice(Math.min(indent, /^ */.exec(line)![0].length)));
  return addEntry(text.slice(0, start) + text.slice(last), to, lines.join('\n'));
}

/**
 * Adds an entry, written at column 0, to the end of the map at `path`'s parent. Maps that are missing on the way are made.
 */
export function addEntry(text: string, path: Path, written: string): string {
  const parentPath = path.slice(0, -1);
  const parent = nodeAt(text, parentPath);
  if (!isMap(parent) || (parent.items.length === 0 && parent.flow !== true)) {
    if (parent !== undefined && !isMap(parent) && !(isScalar(parent) && parent.value === null)) throw byHand(path);
    if (parentPath.length === 0) throw byHand(path);
    const wrapped = `${String(parentPath.at(-1))}:\n${indented(written, 2)}`;
    return addEntry(removeEntry(text, parentPath), parentPath, wrapped);
  }
  if (parent.flow === true) {
    const flow = written.includes('\n')
      ? stringify(parseDocument(written).toJS(), { collectionStyle: 'flow', lineWidth: 0 })
          .trim()
          .replace(/^\{ ?(.*?) ?\}$/s, '$1')
      : written;
    return insertIntoFlow(text, parent, flow);
  }
  const last = parent.items.at(-1)!;
  const lastEntry = entryAt(text, [...parentPath, (last.key as { value: PropertyKey }).value])!;
  const firstStart = (parent.items[0]!.key as Node).range![0];
  return insertLines(
    text,
    linesOf(text, { ...lastEntry, keyStart: lastEntry.keyStart }).to,
    indented(written, column(text, firstStart)),
  );
}

/** Adds an item, written at column 0, to the end of the list at `path`, which must exist and hold something. */
export function addItem(text: string, path: Path, written: string): string {
  const list = nodeAt(text, path);
  if (!isSeq(list) || (list.items.length === 0 && list.flow !== true)) throw byHand(path);
  if (list.flow === true)
    return insertIntoFlow(
      text,
      list,
      stringify(parseDocument(written).toJS(), { collectionStyle: 'flow', lineWidth: 0 }).trim(),
    );
  const first = list.items[0] as Node;
  const dash = text.lastIndexOf('-', first.range![0] - 1);
  const last = list.items.at(-1) as Node;
  const end = last.range![1] - (/\s*$/.exec(text.slice(0, last.range![1]))?.[0].length ?? 0);
  const lines = written.split('\n').map((line, i) => (i === 0 ? `- ${line}` : `  ${line}`));
  const indent = column(text, dash);
  return insertLines(text, blockEnd(text, end, indent), indented(lines.join('\n'), indent));
}

function insertIntoFlow(text: string, collection: YAMLMap | YAMLSeq, written: string): string {
  const close = collection.range![1] - 1;
  const before = text.slice(0, close).trimEnd();
  const separator = collection.items.length === 0 || before.endsWith(',') ? '' : ', ';
  return before + separator + written + text.slice(before.length);
}

function insertLines(text: string, offset: number, block: string): string {
  const eol = newline(text);
  const lead = offset > 0 && text[offset - 1] !== '\n' ? eol : '';
  return `${text.slice(0, offset)}${lead}${block.split('\n').join(eol)}${eol}${text.slice(offset)}`;
}

function indented(block: string, spaces: number): string {
  return block
    .split('\n')
    .map((line) => (line === '' ? line : ' '.repeat(spaces) + line))
    .join('\n');
}

/** `name: {...}` becomes `names: [{...}]`, a block map the one item of a block list. */
export function wrapInList(text: string, path: Path, name: string): string {
  const entry = entryAt(text, path)!;
  const value = entry.pair.value as YAMLMap;
  const key = entry.pair.key as Node;
  const renamed = (from: string): string => text.slice(0, key.range![0]) + name + from;
  if (value.flow === true) {
    const [start, end] = value.range!;
    return `${renamed(text.slice(key.range![1], start))}[${text.slice(start, end)}]${text.slice(end)}`;
  }
  const firstKey = (value.items[0]!.key as Node).range![0];
  const { to } = linesOf(text, entry);
  const body = text.slice(firstKey, to).replace(/\n(?=[^\r\n])/g, '\n  ');
  return `${renamed(text.slice(key.range![1], firstKey))}- ${body.replace(/\n {2}$/, '\n')}${text.slice(to)}`;
}

/** Appends comment lines to the end of the map at `path`, indented as its entries. */
export function addComment(text: string, path: Path, lines: readonly string[]): string {
  const parent = nodeAt(text, path);
  const comment = lines.map((line) => `# ${line}`).join('\n');
  if (!isMap(parent) || parent.items.length === 0) return insertLines(text, text.length, comment);
  const entry = entryAt(text, path);
  if (parent.flow === true && entry !== undefined) {
    const { to, indent } = linesOf(text, entry);
    return insertLines(text, to, indented(comment, indent));
  }
  const last = parent.items.at(-1)!;
  const lastEntry = entryAt(text, [...path, (last.key as { value: PropertyKey }).value])!;
  return insertLines(
    text,
    linesOf(text, lastEntry).to,
    indented(comment, column(text, (parent.items[0]!.key as Node).range![0])),
  );
}

/** The text of the value at `path`, as written. */
export function valueText(text: string, path: Path): string {
  const node = nodeAt(text, path);
  return node === undefined ? '' : text.slice(node.range![0], node.range![1]).trimEnd();
}
