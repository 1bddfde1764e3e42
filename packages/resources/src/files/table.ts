import { randomUUID } from 'node:crypto';
import { type Clock, PosternError } from '@postern/core';
import type { AdmissionContext, AdmissionIssue, ResourceKind } from '../resource-kind.ts';
import { defaultNamespace, keyText, type ObjectKey, type Resource } from '../resource.ts';
import { secretKind } from '../secret.ts';
import type { GuardedObject } from './guard.ts';
import type { WantedObject } from './parse.ts';
import { newRow, rowId, rowKey, toResource, updatedRow } from './rows.ts';
import type { ObjectRow, StateDb } from './state-db.ts';

/** The objects in memory, written through to SQLite; who uses whom; who hears of a change. */

interface Listener {
  readonly kinds: ReadonlySet<string>;
  readonly onChange: (key: ObjectKey) => void;
}

export class ObjectTable {
  readonly #kinds: readonly ResourceKind[];
  readonly #clock: Clock;
  readonly #rows = new Map<string, ObjectRow>();
  readonly #listeners = new Set<Listener>();
  #changed = new Map<string, ObjectKey>();
  #version = 0;
  db: StateDb | undefined;

  constructor(kinds: readonly ResourceKind[], clock: Clock, db: StateDb | undefined) {
    this.#kinds = kinds;
    this.#clock = clock;
    this.db = db;
    for (const row of db?.load() ?? []) {
      this.#rows.set(rowId(row), row);
      this.#version = Math.max(this.#version, row.resourceVersion);
    }
  }

  get(id: string): ObjectRow | undefined {
    return this.#rows.get(id);
  }

  /** A Secret whose file names no namespace serves all of them. */
  find(key: ObjectKey): ObjectRow | undefined {
    const exact = this.#rows.get(keyText(key));
    if (exact !== undefined || key.kind !== secretKind.kind) return exact;
    const shared = this.#rows.get(keyText({ ...key, namespace: defaultNamespace }));
    return shared?.namespaceGiven === false ? shared : undefined;
  }

  all(): ObjectRow[] {
    return [...this.#rows.values()];
  }

  live(): ObjectRow[] {
    return this.all().filter(({ deletedAt }) => deletedAt === undefined);
  }

  guarded(rows: readonly ObjectRow[]): GuardedObject[] {
    return rows.map((row) => ({
      id: rowId(row),
      attachment: this.#kind(row.kind).attachment,
      uses: this.#uses(row),
    }));
  }

  resource(row: ObjectRow): Resource {
    return toResource(this.#kind(row.kind), row);
  }

  now(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  /** Takes what a file asks for; the issues say why not, or what to know about it. `all` is what the files ask for together. */
  accept(id: string, wanted: WantedObject, all: ReadonlyMap<string, WantedObject>): readonly AdmissionIssue[] {
    const row = this.#rows.get(id);
    const previous = row === undefined || row.deletedAt !== undefined ? undefined : row.spec;
    const context: AdmissionContext = {
      where: 'files',
      specOf: (key) => all.get(keyText(key))?.spec ?? this.#rows.get(keyText(key))?.spec,
    };
    const issues = wanted.kind.admit(wanted.spec, previous, context);
    if (issues.some(({ severity }) => severity !== 'warning')) return issues;
    // One that is being finalised is made anew when it has gone.
    if (row?.deletedAt !== undefined && row.finalizers.length > 0) return [];
    const stamp = { uid: randomUUID(), version: this.#version + 1, at: this.now() };
    const next = row === undefined ? newRow(wanted, stamp) : updatedRow(row, wanted, stamp.version);
    if (next !== undefined) this.#put(next);
    return issues;
  }

  /** Writes a row as its next version. */
  write(row: ObjectRow): ObjectRow {
    const next = { ...row, resourceVersion: this.#version + 1 };
    this.#put(next);
    return next;
  }

  #put(row: ObjectRow): void {
    this.#version = Math.max(this.#version, row.resourceVersion);
    this.#rows.set(rowId(row), row);
    this.db?.put(row);
    this.#changed.set(rowId(row), rowKey(row));
  }

  /** Deleted rows go when they have no finalizer and nothing that has one needs them; `wanted` ones are made anew. */
  sweep(wanted: ReadonlyMap<string, WantedObject>): void {
    // Most writes find nothing deleted, and asking who needs whom looks at every object.
    if (!this.all().some(({ deletedAt }) => deletedAt !== undefined)) return;
    const needed = this.#neededByFinalizers();
    for (const [id, row] of this.#rows) {
      if (row.deletedAt === undefined || row.finalizers.length > 0 || needed.has(id)) continue;
      this.#rows.delete(id);
      this.db?.remove(row);
      this.#changed.set(id, rowKey(row));
      const again = wanted.get(id);
      if (again !== undefined) this.accept(id, again, wanted);
    }
  }

  #neededByFinalizers(): ReadonlySet<string> {
    const needed = new Set<string>();
    const visit = (row: ObjectRow): void => {
      for (const id of this.#uses(row)) {
        if (needed.has(id)) continue;
        needed.add(id);
        visit(this.#rows.get(id)!);
      }
    };
    for (const row of this.#rows.values()) if (row.finalizers.length > 0) visit(row);
    return needed;
  }

  #uses(row: ObjectRow): string[] {
    return this.#kind(row.kind)
      .uses(this.resource(row))
      .flatMap((key) => {
        const found = this.find(key);
        return found === undefined ? [] : [rowId(found)];
      });
  }

  #kind(name: string): ResourceKind {
    const kind = this.#kinds.find((kind) => kind.kind === name);
    if (kind === undefined)
      throw new PosternError('KIND_UNKNOWN', `the state holds a ${name}, which this command does not know`);
    return kind;
  }

  /** Writes every row to a new file, in place of one that was lost. */
  moveTo(db: StateDb): void {
    this.db?.close();
    this.db = db;
    db.transaction(() => {
      for (const row of this.#rows.values()) db.put(row);
    });
  }

  listen(kinds: readonly ResourceKind[], onChange: (key: ObjectKey) => void): Disposable {
    const listener = { kinds: new Set(kinds.map(({ kind }) => kind)), onChange };
    this.#listeners.add(listener);
    for (const row of this.all()) if (listener.kinds.has(row.kind) && visible(row)) onChange(rowKey(row));
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Tells of what changed since the last time; later, so that a listener may write. */
  announce(): void {
    const changed = [...this.#changed.values()];
    this.#changed = new Map();
    for (const { kinds, onChange } of this.#listeners)
      for (const key of changed) if (kinds.has(key.kind)) queueMicrotask(() => onChange(key));
  }
}

/** A row that is deleted and has no finalizer is only kept for those that need it. */
export function visible(row: ObjectRow): boolean {
  return row.deletedAt === undefined || row.finalizers.length > 0;
}
