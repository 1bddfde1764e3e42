import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ParsedDocument, parseYaml, PosternError } from '@postern/core';
import {
  type Document,
  isCollection,
  isMap,
  isSeq,
  parseAllDocuments,
  stringify,
  visit,
  YAMLMap,
  type YAMLSeq,
} from 'yaml';
import {
  checkEdited,
  type EditDocument,
  type EditOutcome,
  type EditPlace,
  type ResourceEditor,
  sameDocument,
} from '../editor.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { defaultNamespace } from '../resource.ts';
import { secretKind } from '../secret.ts';
import { lookAt } from './folder.ts';

/** A document and where it stands. */
interface Found {
  readonly file: string;
  readonly text: string;
  readonly index: number;
  readonly value: EditDocument;
}

/** Edits the files of a resources folder in place: comments, order and the other documents of a file stay. */
export class FilesEditor implements ResourceEditor {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(kind: ResourceKind, place: EditPlace): Promise<EditDocument | undefined> {
    return this.#find(kind, place)?.value;
  }

  async edit(
    kind: ResourceKind,
    place: EditPlace,
    change: (document: EditDocument | undefined) => EditDocument | undefined,
  ): Promise<EditOutcome> {
    const found = this.#find(kind, place);
    const after = change(structuredClone(found?.value));
    const path = join(this.#folder, found?.file ?? newFileName(kind, place));
    if (after === undefined || sameDocument(found?.value, after)) return { kind: 'unchanged', where: path };
    checkEdited(kind, after, found?.value);
    if (found === undefined) {
      if (existsSync(path))
        throw new PosternError('FILE_EXISTS', `${path} exists and holds something else`, {
          hint: `move it, or write the ${kind.kind} into a file by hand`,
          exitCode: 2,
        });
      writeWhole(path, stringify(after));
      return { kind: 'created', where: path };
    }
    const documents = parseAllDocuments(found.text) as Document.Parsed[];
    const document = documents[found.index]!;
    merge(document, [], found.value, after);
    const [start, end] = spanOf(documents, found.index, found.text);
    writeWhole(path, found.text.slice(0, start) + print(document, found.text) + found.text.slice(end));
    return { kind: 'changed', where: path };
  }

  async remove(kind: ResourceKind, place: EditPlace): Promise<boolean> {
    const found = this.#find(kind, place);
    if (found === undefined) return false;
    const documents = parseAllDocuments(found.text) as Document.Parsed[];
    const path = join(this.#folder, found.file);
    const [start, end] = spanOf(documents, found.index, found.text);
    const left = found.text.slice(0, start) + found.text.slice(end);
    if (documents.every(({ contents }, i) => i === found.index || contents === null)) rmSync(path);
    else writeWhole(path, start === 0 ? left.replace(/^---\r?\n/, '') : left);
    return true;
  }

  #find(kind: ResourceKind, place: EditPlace): Found | undefined {
    const files = lookAt(this.#folder);
    if (files === undefined)
      throw new PosternError(
        'FOLDER_MISSING',
        `the resources folder ${this.#folder} does not exist or cannot be read`,
        {
          hint: 'name a folder with resource files: --resources DIR',
          exitCode: 2,
        },
      );
    let shared: Found | undefined;
    for (const { path: file } of files.values()) {
      const text = readFileSync(join(this.#folder, file), 'utf8');
      const documents = parseYaml(file, text).documents;
      for (const document of documents) {
        const match = matches(kind, place, document);
        if (match === 'no') continue;
        const index = parseAllDocuments(text).findIndex(({ range }) => range?.[0] === document.node.range?.[0]);
        const found = { file, text, index, value: document.value as EditDocument };
        if (match === 'exactly') return found;
        shared = found;
      }
    }
    return shared;
  }
}

/** A Secret whose file names no namespace serves all of them. */
function matches(kind: ResourceKind, place: EditPlace, { value }: ParsedDocument): 'exactly' | 'shared' | 'no' {
  const document = value as Partial<EditDocument> | null;
  if (document?.apiVersion !== kind.apiVersion || document.kind !== kind.kind) return 'no';
  if (document.metadata?.name !== place.name) return 'no';
  const { namespace } = document.metadata;
  if (kind.scope === 'Cluster' || (namespace ?? defaultNamespace) === place.namespace) return 'exactly';
  return namespace === undefined && kind.kind === secretKind.kind ? 'shared' : 'no';
}

function newFileName(kind: ResourceKind, { namespace, name }: EditPlace): string {
  return `${[kind.kind.toLowerCase(), namespace, name].filter((part) => part !== '').join('-')}.yaml`;
}

/** The part of a file's text that is one document's: from the end of the one before it. */
function spanOf(documents: readonly Document.Parsed[], index: number, text: string): [start: number, end: number] {
  const start = index === 0 ? 0 : documents[index - 1]!.range[2];
  return [start, index === documents.length - 1 ? text.length : documents[index]!.range[2]];
}

/** As its author writes: how wide flow collections are, whether lists are indented. */
function print(document: Document, text: string): string {
  const printed = document.toString({
    lineWidth: 0,
    indentSeq: !/^( *)[^\s#-][^\n]*:[ \t]*\n\1- /m.test(text),
    flowCollectionPadding: !/[{[][^\s}\]]/.test(text),
  });
  return printed.endsWith('\n') ? printed : `${printed}\n`;
}

/** Changes only what differs, so that comments beside what stays, stay. */
function merge(document: Document, path: readonly unknown[], before: unknown, after: unknown): void {
  if (sameDocument(before, after)) return;
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isObject(before) && isObject(after) && isMap(node)) {
    for (const key of Object.keys(before)) if (after[key] === undefined) document.deleteIn([...path, key]);
    for (const [key, value] of Object.entries(after))
      if (value !== undefined) merge(document, [...path, key], before[key], value);
    if (node instanceof YAMLMap && node.items.length > 0) unflow(document, path);
    return;
  }
  if (Array.isArray(before) && Array.isArray(after) && isSeq(node)) {
    mergeList(document, path, before, after);
    return;
  }
  document.setIn(path, document.createNode(after));
}

/** Items that stay keep their nodes and comments; one that changed in its place is merged; others come and go. */
function mergeList(document: Document, path: readonly unknown[], before: unknown[], after: unknown[]): void {
  const list = document.getIn(path, true) as YAMLSeq;
  const old = [...list.items];
  const free = new Set(before.keys());
  const kept = after.map((item) => {
    const index = before.findIndex((known, i) => free.has(i) && sameDocument(known, item));
    if (index >= 0) free.delete(index);
    return index;
  });
  const merged: number[] = [];
  list.items = after.map((item, i) => {
    if (kept[i]! >= 0) return old[kept[i]!]!;
    // The same place in a list of the same length: the item itself was changed.
    if (before.length !== after.length || !free.has(i)) return document.createNode(item);
    merged.push(i);
    return old[i]!;
  });
  for (const i of merged) merge(document, [...path, i], before[i], after[i]);
  if (list.flow === true && list.items.some((item) => isCollection(item))) list.flow = false;
}

/** `{}` that got something inside is easier to read as a block. */
function unflow(document: Document, path: readonly unknown[]): void {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isCollection(node) || node.flow !== true) return;
  const text = JSON.stringify(node.toJSON());
  if (text.length > 80) visit(node, { Collection: (_key, inner) => void (inner.flow = false) });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A reader sees the old file or the new one. Secrets may be in it: who could read it before still can, a new one is its owner's. */
function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0o600;
    writeFileSync(temporary, text, { mode, flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
