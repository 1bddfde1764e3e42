/** The routes by the name asked for, and the names that a search list makes out of a private one. */
import { keyOfWire, type NameKey, wireOfText } from '../codec/name.ts';
import type { ResolverAddress } from './address.ts';

export interface RouteSpec {
  readonly source: string;
  readonly destination: string;
  readonly resolver?: ResolverAddress | undefined;
}

export interface Route extends RouteSpec {
  readonly index: number;
  readonly sourceKey: NameKey;
  readonly sourceWire: Buffer;
  readonly destinationKey: NameKey;
  readonly destinationWire: Buffer;
}

/** Kubernetes' default cluster domain: what pods ask first when a name has fewer dots than `ndots`. */
const clusterDomain = 'cluster.local';

export class RouteTable {
  readonly routes: readonly Route[];
  readonly #bySource: ReadonlyMap<NameKey, Route>;
  /** A source with a search domain behind it, for every pair. */
  readonly #expanded: ReadonlySet<NameKey>;
  /** Sources of three labels and more, without the root. */
  readonly #prefixes: ReadonlySet<string>;
  readonly #clusterSuffix = keyOfWire(wireOfText(clusterDomain));

  constructor(specs: readonly RouteSpec[], search: readonly string[] = []) {
    this.routes = specs.map((spec, index) => {
      const sourceWire = wireOfText(spec.source);
      const destinationWire = wireOfText(spec.destination);
      const [sourceKey, destinationKey] = [keyOfWire(sourceWire), keyOfWire(destinationWire)];
      return { ...spec, index, sourceWire, sourceKey, destinationWire, destinationKey };
    });
    this.#bySource = new Map(this.routes.map((route) => [route.sourceKey, route]));
    // `web` with the search domain `acme.example` may well be a host of its own; `git.acme.example.acme.example` is not.
    const qualified = this.routes.filter((route) => route.source.includes('.'));
    this.#expanded = new Set(
      qualified.flatMap((route) => search.map((domain) => keyOfWire(wireOfText(`${route.source}.${domain}`)))),
    );
    // `web.prod.svc.cluster.local` is a service, `pod-0.web.prod.svc...` a pod, so the cluster's own names start lower.
    this.#prefixes = new Set(
      qualified.filter((route) => route.source.split('.').length >= 3).map((route) => route.sourceKey.slice(0, -1)),
    );
  }

  get(name: NameKey): Route | undefined {
    return this.#bySource.get(name);
  }

  /** Whether the name is a private one with a search domain behind it: nobody has it, and asking would tell the private name. */
  isSearchProduct(name: NameKey): boolean {
    if (this.#expanded.size > 0 && this.#expanded.has(name)) return true;
    if (this.#prefixes.size === 0 || !name.endsWith(this.#clusterSuffix)) return false;
    for (let at = 0; name.charCodeAt(at) > 0; at += 1 + name.charCodeAt(at))
      if (this.#prefixes.has(name.slice(0, at))) return true;
    return false;
  }

  /** Whether a message holds a private name somewhere: the raw bytes in lower case, and the names that were read out of it. */
  mentions(lowered: string, names: readonly NameKey[]): boolean {
    return this.routes.some((route) => lowered.includes(route.sourceKey) || names.includes(route.sourceKey));
  }
}
