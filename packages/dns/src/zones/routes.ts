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
  readonly #endings: readonly string[];
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
    this.#endings = [...new Set(this.routes.map((route) => endingOf(route.sourceKey)))];
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

  /**
   * Whether a message (as text, in lower case) holds a private name elsewhere than as the end of the name it asks about: inside a
   * label, an EDNS option, a record. Names below a private one are names of their own and pass.
   */
  mentions(text: string, nameEnd: number): boolean {
    // Few endings serve many sources, and nearly no message has one of them.
    for (const ending of this.#endings)
      if (text.includes(ending)) return this.routes.some((route) => isMentioned(text, route.sourceKey, nameEnd));
    return false;
  }
}

const nameAt = 12;

function isMentioned(text: string, source: NameKey, nameEnd: number): boolean {
  for (let at = text.indexOf(source); at >= 0; at = text.indexOf(source, at + 1))
    if (at + source.length !== nameEnd || !isLabelStart(text, at)) return true;
  return false;
}

function isLabelStart(text: string, offset: number): boolean {
  let at = nameAt;
  while (at < offset) at += 1 + text.charCodeAt(at);
  return at === offset;
}

/** The last two labels, or the one there is. */
function endingOf(source: NameKey): string {
  const starts: number[] = [];
  for (let at = 0; source.charCodeAt(at) > 0; at += 1 + source.charCodeAt(at)) starts.push(at);
  return source.slice(starts.at(-2) ?? 0);
}
