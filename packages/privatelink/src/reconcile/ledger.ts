import type { Clock } from '@postern/core';
import type { VpcUsage } from '../plan/observed.ts';
import { stateIs } from '../plan/observed.ts';
import { ownerTag } from '../plan/names.ts';
import type { HubClient } from '../providers/aws/calls.ts';
import { allPages } from '../providers/aws/pages.ts';
import { tagsOf } from './views.ts';

/**
 * How full the VPCs are, shared by all clusters of a controller: a count of a moment ago plus what was promised since. Two
 * clusters that choose at once see each other's promise, so they cannot overrun a VPC together.
 */

/** Counting asks for every endpoint of the region; between counts the promises keep the numbers right. */
const freshMs = 30_000;
/** AWS said "full" though our count did not: others share the quota. Ask again after this. */
const fullForMs = 10 * 60_000;

interface VpcBook {
  counted: number;
  countedAtMs: number;
  /** Owners whose endpoint the count does not show yet. */
  readonly promised: Map<string, number>;
  /** AWS refused at this number of endpoints. */
  refused: { readonly at: number; readonly untilMs: number } | undefined;
}

export class Ledger {
  readonly #clock: Clock;
  readonly #books = new Map<string, VpcBook>();
  readonly #counting = new Map<string, Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Usage of the VPCs as far as the owner is concerned: its own promise does not stand in its way. */
  async usage(hub: HubClient, vpcIds: readonly string[], owner: string, signal: AbortSignal): Promise<VpcUsage[]> {
    const stale = vpcIds.filter((id) => this.#isStale(id));
    if (stale.length > 0) await this.#count(hub, vpcIds, signal);
    return vpcIds.map((vpcId) => this.#usageOf(vpcId, owner));
  }

  #isStale(vpcId: string): boolean {
    const book = this.#books.get(vpcId);
    return book === undefined || this.#clock.monotonic() - book.countedAtMs > freshMs;
  }

  /** The next `usage` counts anew. */
  invalidate(vpcIds: readonly string[]): void {
    for (const id of vpcIds) {
      const book = this.#books.get(id);
      if (book !== undefined) book.countedAtMs = Number.NEGATIVE_INFINITY;
    }
  }

  /** One count at a time for a set of VPCs; who comes meanwhile shares it. */
  #count(hub: HubClient, vpcIds: readonly string[], signal: AbortSignal): Promise<void> {
    const key = vpcIds.toSorted().join();
    let counting = this.#counting.get(key);
    if (counting === undefined) {
      counting = this.#countNow(hub, vpcIds, signal).finally(() => this.#counting.delete(key));
      this.#counting.set(key, counting);
    }
    return counting;
  }

  async #countNow(hub: HubClient, vpcIds: readonly string[], signal: AbortSignal): Promise<void> {
    const startedMs = this.#clock.monotonic();
    const endpoints = await allPages(
      (NextToken) =>
        hub.describeEndpoints(
          {
            Filters: [{ Name: 'vpc-id', Values: [...vpcIds] }],
            MaxResults: 1000,
            ...(NextToken === undefined ? {} : { NextToken }),
          },
          signal,
        ),
      (page) => page.VpcEndpoints,
      (page) => page.NextToken,
    );
    for (const vpcId of vpcIds) {
      const book = this.#book(vpcId);
      // Gateway endpoints have a quota of their own, and a deleted one stays listed for a while.
      const counted = endpoints.filter(
        (endpoint) =>
          endpoint.VpcId === vpcId &&
          !stateIs(endpoint.VpcEndpointType ?? 'Interface', 'gateway') &&
          !stateIs(endpoint.State ?? '', 'deleted'),
      );
      const owners = new Set(counted.map(({ Tags }) => tagsOf(Tags)[ownerTag]));
      for (const [owner, atMs] of book.promised)
        if (owners.has(owner) || startedMs - atMs > fullForMs) book.promised.delete(owner);
      if (book.refused !== undefined && counted.length < book.refused.at) book.refused = undefined;
      book.counted = counted.length;
      book.countedAtMs = startedMs;
    }
  }

  #usageOf(vpcId: string, owner: string | undefined): VpcUsage {
    const book = this.#book(vpcId);
    const refused = book.refused !== undefined && this.#clock.monotonic() < book.refused.untilMs;
    const others = [...book.promised.keys()].filter((promised) => promised !== owner).length;
    const endpoints = book.counted + others;
    return { vpcId, endpoints, quota: refused ? Math.min(book.refused!.at, endpoints) : undefined };
  }

  /** Promises a place; false when somebody was faster than the plan that chose this VPC. */
  promise(vpcId: string, owner: string, planned: VpcUsage | undefined): boolean {
    const now = this.#usageOf(vpcId, owner);
    if (planned !== undefined && now.endpoints > planned.endpoints) return false;
    this.#book(vpcId).promised.set(owner, this.#clock.monotonic());
    return true;
  }

  withdraw(vpcId: string, owner: string): void {
    this.#book(vpcId).promised.delete(owner);
  }

  /** AWS has refused one more endpoint in this VPC. */
  refused(vpcId: string): void {
    const book = this.#book(vpcId);
    book.refused = { at: book.counted + book.promised.size, untilMs: this.#clock.monotonic() + fullForMs };
  }

  /** For metrics. */
  all(): VpcUsage[] {
    return [...this.#books.keys()].map((vpcId) => this.#usageOf(vpcId, undefined));
  }

  #book(vpcId: string): VpcBook {
    let book = this.#books.get(vpcId);
    if (book === undefined) {
      book = { counted: 0, countedAtMs: Number.NEGATIVE_INFINITY, promised: new Map(), refused: undefined };
      this.#books.set(vpcId, book);
    }
    return book;
  }
}
