/**
 * The older spellings of config.yaml, read as the current one. Works on plain values; `migrate.ts` does the same to the text,
 * and a test holds the two together.
 */
import { formatPath } from '@postern/core';
import { endpointServicePattern } from './fields.ts';

type Path = readonly PropertyKey[];
type Fields = Record<string, unknown>;

export interface Spelling {
  /** Where it stands in the file. */
  readonly path: Path;
  readonly severity: 'warning' | 'error';
  readonly message: string;
}

export interface Normalized {
  readonly value: unknown;
  readonly spellings: readonly Spelling[];
  /** Where a value of the current spelling stands in the file: pairs of prefixes, the latest first. */
  readonly origins: ReadonlyArray<readonly [current: Path, written: Path]>;
}

/** What a `domain` becomes. `migrate` needs it too. */
export interface DomainRoute {
  readonly source: unknown;
  /** Undefined where there is not exactly one private link: the route is then written as a comment. */
  readonly destination: string | undefined;
  /** There is a route for it already. */
  readonly routed: boolean;
}

export function normalize(written: unknown): Normalized {
  const value: unknown = structuredClone(written);
  const spellings: Spelling[] = [];
  const origins: Array<readonly [Path, Path]> = [];
  const spec = fieldsAt(value, ['spec']);
  if (spec === undefined) return { value, spellings, origins };
  const warn = (path: Path, message: string): void => void spellings.push({ path, severity: 'warning', message });
  const fail = (path: Path, message: string): void => void spellings.push({ path, severity: 'error', message });
  const originOf = (path: Path): Path => origin(origins, path);
  const move = (from: Path, to: Path): void => {
    if (valueAt(value, to) !== undefined)
      return fail(originOf(from), `stands here and at ${formatPath(to)}; keep that one`);
    const parent = fieldsAt(value, to.slice(0, -1));
    // Something that is no map stands in the way: the schema says so.
    if (parent === undefined && valueAt(value, to.slice(0, -1)) !== undefined) return;
    warn(originOf(from), `is the older place of ${formatPath(to)}`);
    origins.unshift([to, originOf(from)]);
    put(value, to, take(value, from));
  };

  const host = ['spec', 'infrastructure', 'privateCodeHost'];
  if (spec['privateCodeHost'] !== undefined) move(['spec', 'privateCodeHost'], host);
  if (valueAt(value, ['spec', 'infrastructure', 'gke']) !== undefined)
    move(['spec', 'infrastructure', 'gke'], ['spec', 'infrastructure', 'gcp', 'gke']);

  const type = valueAt(value, [...host, 'type']);
  if (type === 'awsvpn') {
    warn(originOf([...host, 'type']), 'is no longer written: awsvpn is the only type');
    take(value, [...host, 'type']);
  } else if (type !== undefined) {
    fail(originOf([...host, 'type']), `is no longer written, and was always "awsvpn" (got ${JSON.stringify(type)})`);
    take(value, [...host, 'type']);
  }

  const aws = [...host, 'aws'];
  const link = valueAt(value, [...aws, 'privateLink']);
  if (isFields(link)) {
    const at = originOf([...aws, 'privateLink']);
    if (valueAt(value, [...aws, 'privateLinks']) !== undefined)
      fail(at, 'stands beside privateLinks; add it to that list');
    else {
      warn(at, 'is one item of the list privateLinks now');
      put(value, [...aws, 'privateLinks'], [link]);
      origins.unshift([[...aws, 'privateLinks', 0], at], [[...aws, 'privateLinks'], at]);
      // The item itself is the more exact origin.
      origins.sort((a, b) => b[0].length - a[0].length);
    }
    take(value, [...aws, 'privateLink']);
  }
  moveDnsFlag(value, aws, { warn, fail, originOf, origins });
  addDomainRoute(value, host, { warn, fail, originOf, origins });
  return { value, spellings, origins };
}

interface Notes {
  readonly warn: (path: Path, message: string) => void;
  readonly fail: (path: Path, message: string) => void;
  readonly originOf: (path: Path) => Path;
  readonly origins: Array<readonly [Path, Path]>;
}

function moveDnsFlag(value: unknown, aws: Path, { warn, originOf, origins }: Notes): void {
  const flag = valueAt(value, [...aws, 'privateDnsEnabled']);
  if (flag === undefined) return;
  const at = originOf([...aws, 'privateDnsEnabled']);
  warn(at, 'belongs to each of the privateLinks now');
  take(value, [...aws, 'privateDnsEnabled']);
  const links = valueAt(value, [...aws, 'privateLinks']);
  for (const [i, item] of Array.isArray(links) ? links.entries() : []) {
    if (!isFields(item) || item['privateDnsEnabled'] !== undefined) continue;
    item['privateDnsEnabled'] = flag;
    origins.unshift([[...aws, 'privateLinks', i, 'privateDnsEnabled'], at]);
  }
}

/** What becomes of `domain`, given the value it stands in with every earlier rule applied. */
export function domainRoute(value: unknown): DomainRoute | undefined {
  const host = ['spec', 'infrastructure', 'privateCodeHost'];
  const source = valueAt(value, [...host, 'domain']);
  if (source === undefined) return undefined;
  const links = valueAt(value, [...host, 'aws', 'privateLinks']);
  const only: unknown = Array.isArray(links) && links.length === 1 ? links[0] : undefined;
  const endpoint = isFields(only) ? only['endpoint'] : undefined;
  const routes = valueAt(value, ['spec', 'infrastructure', 'privateDNS', 'routes']);
  const routed = Array.isArray(routes) && routes.some((route) => isFields(route) && route['source'] === source);
  return { source, destination: typeof endpoint === 'string' ? serviceDnsName(endpoint) : undefined, routed };
}

/**
 * The DNS name of an endpoint service, the last part of every endpoint's own name. `generate` puts the endpoint's regional name
 * in its place once the stack has given it.
 */
export function serviceDnsName(endpoint: string): string | undefined {
  const [, region, service] = endpointServicePattern.exec(endpoint) ?? [];
  if (region === undefined) return undefined;
  return `${service}.${region}.vpce.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

function addDomainRoute(value: unknown, host: Path, { warn, fail, originOf, origins }: Notes): void {
  const made = domainRoute(value);
  if (made === undefined) return;
  const at = originOf([...host, 'domain']);
  const { source, destination, routed } = made;
  take(value, [...host, 'domain']);
  if (typeof source !== 'string') return fail(at, 'expected a host name');
  if (routed) return warn(at, `is no longer written: ${source} has its route in privateDNS already`);
  if (destination === undefined)
    return warn(
      at,
      `is a route of privateDNS now, and its destination is not known: ${source} is not rewritten until one is given`,
    );
  warn(at, `is a route of privateDNS now: ${source} to ${destination}`);
  const routes = ['spec', 'infrastructure', 'privateDNS', 'routes'];
  const list = valueAt(value, routes);
  const index = Array.isArray(list) ? list.length : 0;
  if (Array.isArray(list)) list.push({ source, destination });
  else if (valueAt(value, routes.slice(0, -1)) === undefined || fieldsAt(value, routes.slice(0, -1)) !== undefined)
    put(value, routes, [{ source, destination }]);
  origins.unshift([[...routes, index], at]);
}

/** Where the value at `path` stands in the file. */
export function origin(origins: Normalized['origins'], path: Path): Path {
  for (const [current, written] of origins)
    if (current.every((part, i) => path[i] === part)) {
      const rest = path.slice(current.length);
      // What was made of a single value (a route of a domain) stands where that value stands.
      return [...written, ...rest];
    }
  return path;
}

export function valueAt(value: unknown, path: Path): unknown {
  let at: unknown = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at ?? undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsAt(value: unknown, path: Path): Fields | undefined {
  const at = valueAt(value, path);
  return isFields(at) ? at : undefined;
}

function take(value: unknown, path: Path): unknown {
  const parent = fieldsAt(value, path.slice(0, -1));
  const key = String(path.at(-1));
  const taken = parent?.[key];
  if (parent !== undefined) delete parent[key];
  return taken;
}

function put(value: unknown, path: Path, what: unknown): void {
  let at = value as Fields;
  for (const part of path.slice(0, -1)) at = (at[String(part)] ??= {}) as Fields;
  at[String(path.at(-1))] = what;
}
