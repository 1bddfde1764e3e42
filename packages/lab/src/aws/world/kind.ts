/**
 * What the simulated world holds: records of a kind, found by id in any account, listed by account and region. A state that
 * changes by itself is written down as the moment it will: nothing runs in the background, the next call sees what is due.
 */
import type { Call } from './call.ts';
import type { World } from './world.ts';

export interface Stored {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly createdAtMs: number;
  tags: Record<string, string>;
  state?: string;
  /** What becomes of `state`, and when; in order. */
  next?: Transition[];
}

export interface Transition {
  /** `gone` removes the record. */
  readonly state: string;
  readonly atMs: number;
}

export interface KindOptions<T> {
  /** EC2's name for it in tag specifications and in `describe-tags`. */
  readonly tagType?: string;
  /** What else changes when a state comes by itself. */
  readonly entered?: (world: World, record: T, state: string) => void;
}

/** All kinds by name: for tags, for `GET /_postern/state`, for saving. */
export const kinds = new Map<string, Kind<Stored>>();

export class Kind<T extends Stored> {
  readonly name: string;
  readonly options: KindOptions<T>;

  constructor(name: string, options: KindOptions<T> = {}) {
    this.name = name;
    this.options = options;
    kinds.set(name, this as unknown as Kind<Stored>);
  }

  /** Everything of this kind in the world. */
  all(world: World): T[] {
    return [...world.table<T>(this.name).values()];
  }

  /** By id, in whatever account and region. */
  get(world: World, id: string | undefined): T | undefined {
    return id === undefined ? undefined : world.table<T>(this.name).get(id);
  }

  /** By id, where the caller can see it: the same account and region, and old enough to have spread. */
  mine(call: Call, id: string | undefined): T | undefined {
    const record = this.get(call.world, id);
    return record !== undefined && isMine(call, record) && !call.hides(record) ? record : undefined;
  }

  /** The caller's own, in order of creation. */
  list(call: Call): T[] {
    return this.all(call.world).filter((record) => isMine(call, record) && !call.hides(record));
  }

  put(world: World, record: T): T {
    world.table<T>(this.name).set(record.id, record);
    world.watch(this as unknown as Kind<Stored>, record);
    return record;
  }

  remove(world: World, id: string): void {
    const record = this.get(world, id);
    if (record === undefined) return;
    world.table<T>(this.name).delete(id);
    world.unwatch(record);
  }

  /** Writes down that `state` comes after its delay (a rule may set another). Several calls queue up, one after the other. */
  later(call: Call, record: T, state: string, delayMs: number): void {
    const from = record.next?.at(-1)?.atMs ?? call.now;
    record.next = [
      ...(record.next ?? []),
      { state, atMs: from + call.world.rules.delayMs(this.name, record, state, delayMs) },
    ];
    call.world.watch(this as unknown as Kind<Stored>, record);
  }

  /** `state` now, and what was to come is forgotten. */
  become(world: World, record: T, state: string): void {
    record.state = state;
    delete record.next;
    world.unwatch(record);
  }
}

function isMine(call: Call, record: Stored): boolean {
  return record.account === call.account && (record.region === call.region || record.region === 'global');
}
