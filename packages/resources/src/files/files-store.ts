import { join } from 'node:path';
import { type Clock, type Diagnostic, PosternError } from '@postern/core';
import type { ResourceKind } from '../resource-kind.ts';
import { keyOf, keyText, type ObjectKey, type Resource } from '../resource.ts';
import { secretData, type SecretData, secretKind, type SecretSpec } from '../secret.ts';
import {
  ConflictError,
  type EventNews,
  type MetadataPatch,
  patchedMetadata,
  type ReadOptions,
  type Store,
  type StoredEvent,
} from '../store.ts';
import { stateFolderName } from './folder.ts';
import { FolderReader, type Look } from './folder-reader.ts';
import { judgeRemovals } from './guard.ts';
import { lockState } from './lock.ts';
import { diagnosticAt, type WantedObject } from './parse.ts';
import { rowId } from './rows.ts';
import { type ObjectRow, StateDb } from './state-db.ts';
import { ObjectTable, visible } from './table.ts';
import { settleMs, watchQuietly } from './watcher.ts';

/**
 * The embedded store: YAML files are what is wanted, SQLite beside them holds what became of it. A file that is removed
 * deletes its objects, finalizers first; what may be an accident deletes nothing (guard.ts).
 */
export interface FilesStoreOptions {
  readonly folder: string;
  readonly kinds: readonly ResourceKind[];
  readonly clock: Clock;
  /** `FOLDER/.postern/state.db` unless given. */
  readonly stateFile?: string | undefined;
  /** For `status` and `plan`: the files over a copy of the state in memory; nothing is written and nothing is locked. */
  readonly readOnly?: boolean;
  /** The operator has said that many may go. */
  readonly confirmPrune?: boolean;
  /** Hears of each look that found something to say. */
  readonly onReport?: (report: FolderReport) => void;
}

/** What a person should know about the folder. */
export interface FolderReport {
  readonly problems: readonly Diagnostic[];
  /** Deletions that wait for `--confirm-prune`, or for the folder to come back. */
  readonly held: { readonly reason: string; readonly objects: readonly string[] } | undefined;
}

interface Place {
  readonly namespace: string;
  readonly name: string;
}

export class FilesStore implements Store {
  readonly #options: FilesStoreOptions;
  readonly #reader: FolderReader;
  readonly #table: ObjectTable;
  readonly #lock: Disposable | undefined;
  #wanted: ReadonlyMap<string, WantedObject> = new Map();
  #report: FolderReport = { problems: [], held: undefined };
  #accepted: string | undefined;
  #watcher: Disposable | undefined;
  #watchers = 0;

  /** Opens the folder and takes its first look. A folder that is not there is a slip of the command line. */
  static async open(options: FilesStoreOptions): Promise<FilesStore> {
    const reader = new FolderReader(options.folder, options.kinds);
    const newestMs = reader.newestMs();
    if (newestMs === undefined)
      throw new PosternError(
        'FOLDER_MISSING',
        `the resources folder ${options.folder} does not exist or cannot be read`,
        { hint: 'name a folder with resource files: --resources DIR', exitCode: 2 },
      );
    // Somebody may be writing right now.
    if (options.clock.now() - newestMs < settleMs) await options.clock.sleep(settleMs);
    const store = new FilesStore(options, reader);
    store.look();
    return store;
  }

  private constructor(options: FilesStoreOptions, reader: FolderReader) {
    this.#options = options;
    this.#reader = reader;
    const file = options.stateFile ?? join(options.folder, stateFolderName, 'state.db');
    if (options.readOnly !== true && file !== ':memory:') this.#lock = lockState(`${file}.lock`);
    const db = options.readOnly === true ? StateDb.read(file) : StateDb.open(file);
    this.#table = new ObjectTable(options.kinds, options.clock, db);
  }

  /** Problems name their files as a person in the working directory would. */
  report(): FolderReport {
    const { folder } = this.#options;
    const problems = this.#report.problems.map((problem) => ({ ...problem, file: join(folder, problem.file) }));
    return { ...this.#report, problems };
  }

  /** Compares the files with what is known and obeys, within the guard. */
  look(): void {
    const look = this.#reader.look((id) => this.#table.get(id)?.file);
    this.#accepted = look?.signature;
    if (look === undefined) {
      const all = this.#table.live().map((row) => rowId(row));
      this.#report = { ...this.#report, held: { reason: 'the folder is not there', objects: all.toSorted() } };
    } else {
      const gone = this.#gone(look);
      const reason = this.#reasonToHold(gone);
      this.#wanted = look.wanted;
      const problems = this.#obey(look, reason === undefined ? gone : []);
      const held = reason === undefined ? undefined : { reason, objects: gone.map((row) => rowId(row)).toSorted() };
      this.#report = { problems: [...look.problems, ...problems], held };
    }
    this.#options.onReport?.(this.report());
    this.#table.announce();
  }

  /** Known objects that no file asks for any more. A file that does not parse keeps its last good objects. */
  #gone(look: Look): ObjectRow[] {
    return this.#table.live().filter((row) => !look.wanted.has(rowId(row)) && !look.broken.has(row.file));
  }

  #reasonToHold(gone: readonly ObjectRow[]): string | undefined {
    const db = this.#table.db;
    if (db !== undefined && !db.inPlace()) {
      if (gone.length > 0) return `the folder lost its ${stateFolderName}, as an unmounted or exchanged one does`;
      this.#table.moveTo(StateDb.open(db.file)); // every object is there: only the state was lost, so it is written again
    }
    const ids = new Set(gone.map((row) => rowId(row)));
    const verdict = judgeRemovals(this.#table.guarded(this.#table.live()), ids, this.#options.confirmPrune ?? false);
    if (verdict.kind === 'remove') return undefined;
    return `${verdict.goneCount} of ${verdict.knownCount} objects went from the files in one look`;
  }

  #obey(look: Look, gone: readonly ObjectRow[]): Diagnostic[] {
    const problems: Diagnostic[] = [];
    const work = (): void => {
      for (const [id, wanted] of look.wanted)
        problems.push(
          ...this.#table.accept(id, wanted, look.wanted).map((issue) => diagnosticAt(wanted.document, issue)),
        );
      for (const row of gone) this.#table.write({ ...row, deletedAt: this.#table.now() });
      this.#table.sweep(look.wanted);
    };
    if (this.#table.db === undefined || this.#options.readOnly === true) work();
    else this.#table.db.transaction(work);
    return problems;
  }

  async list<Spec, Status>(kind: ResourceKind<Spec, Status>): Promise<ReadonlyArray<Resource<Spec, Status>>> {
    const rows = this.#table.all().filter((row) => row.kind === kind.kind && visible(row));
    return rows.map((row) => this.#table.resource(row) as Resource<Spec, Status>);
  }

  async get<Spec, Status>(
    kind: ResourceKind<Spec, Status>,
    place: Place,
    options: ReadOptions = {},
  ): Promise<Resource<Spec, Status> | undefined> {
    const row = this.#table.get(keyText({ kind: kind.kind, ...place }));
    if (row === undefined || (options.forCleanUp !== true && !visible(row))) return undefined;
    return this.#table.resource(row) as Resource<Spec, Status>;
  }

  async secret(place: Place, options: ReadOptions = {}): Promise<SecretData | undefined> {
    const row = this.#table.find({ kind: secretKind.kind, ...place });
    if (row === undefined || (options.forCleanUp !== true && !visible(row))) return undefined;
    return secretData(row.name, `${row.uid}:${row.generation}`, row.spec as SecretSpec);
  }

  async watch(kinds: readonly ResourceKind[], onChange: (key: ObjectKey) => void, signal: AbortSignal): Promise<void> {
    using _listener = this.#table.listen(kinds, onChange);
    this.#watchers++;
    this.#watcher ??= watchQuietly({
      folder: this.#options.folder,
      signature: () => this.#reader.signature(),
      isNews: (signature) => signature !== this.#accepted || this.#table.db?.inPlace() === false,
      look: () => this.look(),
    });
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    if (--this.#watchers > 0) return;
    this.#watcher?.[Symbol.dispose]();
    this.#watcher = undefined;
  }

  #current(resource: Resource): ObjectRow {
    const { uid, resourceVersion } = resource.metadata;
    const row = this.#table.get(keyText(keyOf(resource)));
    if (row === undefined || row.uid !== uid || String(row.resourceVersion) !== resourceVersion)
      throw new ConflictError(keyText(keyOf(resource)));
    return row;
  }

  async updateStatus<Spec, Status>(
    _kind: ResourceKind<Spec, Status>,
    resource: Resource<Spec, Status>,
    status: Status,
  ): Promise<Resource<Spec, Status>> {
    const row = this.#table.write({ ...this.#current(resource), status: structuredClone(status) });
    this.#table.announce();
    return this.#table.resource(row) as Resource<Spec, Status>;
  }

  async updateMetadata<Spec, Status>(
    _kind: ResourceKind<Spec, Status>,
    resource: Resource<Spec, Status>,
    patch: MetadataPatch,
  ): Promise<Resource<Spec, Status> | undefined> {
    const row = this.#current(resource);
    const { finalizers } = patchedMetadata(resource.metadata, patch);
    const own = Object.entries(patch.annotations ?? {}).map(([key, value]) => [key, value ?? null] as const);
    const ownAnnotations = { ...row.ownAnnotations, ...Object.fromEntries(own) };
    const next = this.#table.write({ ...row, finalizers, ownAnnotations });
    this.#table.sweep(this.#wanted);
    this.#table.announce();
    const left = this.#table.get(rowId(next));
    return left?.uid === next.uid ? (this.#table.resource(left) as Resource<Spec, Status>) : undefined;
  }

  async event(resource: Resource, event: EventNews): Promise<void> {
    if (this.#options.readOnly === true) return;
    const { namespace, name } = resource.metadata;
    try {
      this.#table.db?.addEvent([resource.kind, namespace, name], event, this.#table.now());
    } catch {
      // News must not stop the work; what it tells of is in the status too.
    }
  }

  async events({ kind, namespace, name }: ObjectKey): Promise<readonly StoredEvent[]> {
    return (this.#table.db?.events([kind, namespace, name]) ?? []).map(({ firstAt, lastAt, ...event }) => ({
      ...event,
      firstTimestamp: firstAt,
      lastTimestamp: lastAt,
    }));
  }

  async close(): Promise<void> {
    this.#watcher?.[Symbol.dispose]();
    this.#table.db?.close();
    this.#lock?.[Symbol.dispose]();
  }
}
