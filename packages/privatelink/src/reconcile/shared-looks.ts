import type { Clock } from '@postern/core';
import { ownerTag } from '../plan/names.ts';
import type { EndpointView, LoadBalancerView, ServiceView } from '../plan/observed.ts';
import type { CustomerClient, HubClient } from '../providers/aws/calls.ts';
import { allPages } from '../providers/aws/pages.ts';
import { endpointView, loadBalancerView, serviceView } from './views.ts';

/**
 * Lists of a whole account and region, read once for all links there: a thousand links that are as they should be cost a few
 * pages and not a thousand calls. What they say is some minutes old, so they may only say that all is well: before anything is
 * changed, the link is looked at by itself (reconciler.ts).
 */

type ByOwner<View> = ReadonlyMap<string, readonly View[]>;

interface Snapshot {
  readonly startedMs: number;
  readonly lists: Promise<unknown>;
}

export class SharedLooks {
  readonly #clock: Clock;
  readonly #ageMsMax: number;
  /** One client is one account, region and set of permissions. */
  readonly #snapshots = new Map<string, WeakMap<object, Snapshot>>();

  constructor(clock: Clock, ageMsMax: number) {
    this.#clock = clock;
    this.#ageMsMax = ageMsMax;
  }

  /** The looks of one link: none older than the last change that was made to it. */
  since(notBeforeMs: number): LinkLooks {
    const get = <T>(what: string, client: object, read: () => Promise<T>): Promise<T> =>
      this.#get(what, client, notBeforeMs, read);
    return {
      endpoints: (hub, signal) => get('endpoints', hub, () => endpointsByOwner(hub, signal)),
      services: (customer, signal) => get('services', customer, () => servicesByOwner(customer, signal)),
      loadBalancers: (customer, signal) => get('load-balancers', customer, () => allLoadBalancers(customer, signal)),
    };
  }

  async #get<T>(what: string, client: object, notBeforeMs: number, read: () => Promise<T>): Promise<T> {
    let ofKind = this.#snapshots.get(what);
    if (ofKind === undefined) this.#snapshots.set(what, (ofKind = new WeakMap()));
    const now = this.#clock.monotonic();
    const known = ofKind.get(client);
    if (known !== undefined && known.startedMs > notBeforeMs && now - known.startedMs <= this.#ageMsMax)
      return (await known.lists) as T;
    const lists = read();
    const snapshot = { startedMs: now, lists };
    ofKind.set(client, snapshot);
    try {
      return await lists;
    } catch (error) {
      if (ofKind.get(client) === snapshot) ofKind.delete(client); // the next one asks again
      throw error;
    }
  }
}

/** What a link may look up instead of asking AWS by itself. */
export interface LinkLooks {
  readonly endpoints: (hub: HubClient, signal: AbortSignal) => Promise<ByOwner<EndpointView>>;
  readonly services: (customer: CustomerClient, signal: AbortSignal) => Promise<ByOwner<ServiceView>>;
  readonly loadBalancers: (customer: CustomerClient, signal: AbortSignal) => Promise<readonly LoadBalancerView[]>;
}

const ours = { Filters: [{ Name: 'tag-key', Values: [ownerTag] }] };

async function endpointsByOwner(hub: HubClient, signal: AbortSignal): Promise<ByOwner<EndpointView>> {
  const all = await allPages(
    (NextToken) =>
      hub.describeEndpoints({ ...ours, MaxResults: 1000, ...(NextToken === undefined ? {} : { NextToken }) }, signal),
    (page) => page.VpcEndpoints,
    (page) => page.NextToken,
  );
  return byOwner(all.map((endpoint) => endpointView(endpoint)));
}

async function servicesByOwner(customer: CustomerClient, signal: AbortSignal): Promise<ByOwner<ServiceView>> {
  const all = await allPages(
    (NextToken) => customer.describeServices({ ...ours, ...(NextToken === undefined ? {} : { NextToken }) }, signal),
    (page) => page.ServiceConfigurations,
    (page) => page.NextToken,
  );
  return byOwner(all.map((service) => serviceView(service)));
}

async function allLoadBalancers(customer: CustomerClient, signal: AbortSignal): Promise<LoadBalancerView[]> {
  const all = await allPages(
    (Marker) => customer.describeLoadBalancers(Marker === undefined ? {} : { Marker }, signal),
    (page) => page.LoadBalancers,
    (page) => page.NextMarker,
  );
  return all.map((loadBalancer) => loadBalancerView(loadBalancer));
}

function byOwner<View extends { readonly tags: Readonly<Record<string, string>> }>(
  views: readonly View[],
): ByOwner<View> {
  return Map.groupBy(views, ({ tags }) => tags[ownerTag] ?? '');
}
