import { type Diagnostic } from '@postern/core';
import type { ResourceKind } from '../resource-kind.ts';
import { keyText } from '../resource.ts';
import { type FileSignature, lookAt, readResourceFile } from './folder.ts';
import { duplicateOf, parseFile, type ParsedFile, type WantedObject } from './parse.ts';

/** One look at the folder: what its files ask for, and which of them cannot be understood. */
export interface Look {
  readonly wanted: ReadonlyMap<string, WantedObject>;
  /** Files whose last good objects stay, by relative path. */
  readonly broken: ReadonlySet<string>;
  readonly problems: readonly Diagnostic[];
  /** Equal for two looks at the same files. */
  readonly signature: string;
}

/** Reads a folder again and again, parsing only what changed. */
export class FolderReader {
  readonly #folder: string;
  readonly #kinds: readonly ResourceKind[];
  readonly #parsed = new Map<string, { signature: string; file: ParsedFile; empty: boolean }>();

  constructor(folder: string, kinds: readonly ResourceKind[]) {
    this.#folder = folder;
    this.#kinds = kinds;
  }

  /** Only names and signatures, for the question whether somebody is still writing. */
  signature(): string | undefined {
    const files = lookAt(this.#folder);
    return files === undefined ? undefined : signatureOf(files);
  }

  /** When the youngest file was written; undefined when the folder is not there. */
  newestMs(): number | undefined {
    const files = lookAt(this.#folder);
    return files === undefined ? undefined : Math.max(0, ...[...files.values()].map(({ modifiedMs }) => modifiedMs));
  }

  /**
   * Undefined when the folder is not there.
   * @param holder the file that an object was last read from, so that of two definitions the older one stays
   */
  look(holder: (id: string) => string | undefined): Look | undefined {
    const files = lookAt(this.#folder);
    if (files === undefined) return undefined;
    for (const path of this.#parsed.keys()) if (!files.has(path)) this.#parsed.delete(path);
    const wanted = new Map<string, WantedObject>();
    const broken = new Set<string>();
    const problems: Diagnostic[] = [];
    for (const file of files.values()) {
      const { file: parsed, empty } = this.#parse(file);
      problems.push(...parsed.diagnostics);
      if (empty || parsed.diagnostics.some(({ severity }) => severity === 'error')) broken.add(file.path);
      else for (const object of parsed.objects) problems.push(...add(wanted, object, holder));
    }
    return { wanted, broken, problems, signature: signatureOf(files) };
  }

  #parse(file: FileSignature): { file: ParsedFile; empty: boolean } {
    const known = this.#parsed.get(file.path);
    if (known?.signature === file.signature) return known;
    const read = readResourceFile(this.#folder, file);
    const parsed =
      'problem' in read
        ? { objects: [], diagnostics: [problemAt(file.path, read.problem)] }
        : parseFile(this.#kinds, file.path, read.text);
    // Truncating is the first half of many an editor's save: an empty file asks for nothing, not even for a deletion.
    const empty = 'text' in read && read.text.trim() === '';
    const entry = { signature: file.signature, file: parsed, empty };
    this.#parsed.set(file.path, entry);
    return entry;
  }
}

function add(
  wanted: Map<string, WantedObject>,
  object: WantedObject,
  holder: (id: string) => string | undefined,
): Diagnostic[] {
  const id = keyText(object.key);
  const first = wanted.get(id);
  if (first === undefined) {
    wanted.set(id, object);
    return [];
  }
  const [kept, extra] = holder(id) === object.file ? [object, first] : [first, object];
  wanted.set(id, kept);
  return [duplicateOf(extra, kept)];
}

function signatureOf(files: ReadonlyMap<string, FileSignature>): string {
  return [...files.values()].map(({ path, signature }) => `${path}:${signature}`).join('\n');
}

function problemAt(file: string, message: string): Diagnostic {
  return { severity: 'error', file, line: 1, col: 1, path: '', message };
}
