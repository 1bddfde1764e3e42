import { type Destination, type Host, ipBytes, networkKey } from '@postern/core';

/**
 * Many destinations, found by what is asked: exact hosts by name, suffixes by each parent domain, networks by each prefix length
 * that occurs. A look-up costs about (labels + distinct prefix lengths), whatever the number of destinations.
 */
export interface DestinationIndex<T> {
  /** The values of every destination that covers this host and port, in no particular order, with repetitions. */
  find(host: Host, port: number): readonly T[];
  /** The same, with only the entries that are an address or a network as written: no names. */
  findLiteral(ip: string, port: number): readonly T[];
  /** How many entries a look-up of this host would have to read, before ports are compared. */
  candidates(host: Host): number;
}

interface Entry<T> {
  readonly portFrom: number;
  readonly portTo: number;
  readonly value: T;
}

type Buckets<T> = Map<string, Entry<T>[]>;

/** Builds the index. Hosts are canonical already (`parseHost`), so that text equality is host equality. */
export function indexDestinations<T>(items: Iterable<readonly [Destination, T]>): DestinationIndex<T> {
  const names: Buckets<T> = new Map();
  const addresses: Buckets<T> = new Map();
  const suffixes: Buckets<T> = new Map();
  const networks = new Map<string, { family: 4 | 6; prefix: number; buckets: Buckets<T> }>();
  for (const [{ host, portFrom, portTo }, value] of items) {
    const entry = { portFrom, portTo, value };
    if (host.kind === 'suffix') push(suffixes, host.suffix, entry);
    else if (host.kind === 'exact' && host.host.kind === 'name') push(names, host.host.name, entry);
    else if (host.kind === 'exact' && host.host.kind === 'ip') push(addresses, host.host.ip, entry);
    else if (host.kind === 'cidr') {
      const { family, prefix, address } = host.cidr;
      const id = `${family}/${prefix}`;
      let network = networks.get(id);
      if (network === undefined) networks.set(id, (network = { family, prefix, buckets: new Map() }));
      push(network.buckets, networkKey(ipBytes(address), prefix), entry);
    }
  }
  const byPrefix = [...networks.values()];

  function* literalBuckets(ip: string): Generator<readonly Entry<T>[]> {
    const exact = addresses.get(ip);
    if (exact !== undefined) yield exact;
    if (byPrefix.length === 0) return;
    const bytes = ipBytes(ip);
    const family = bytes.length === 4 ? 4 : 6;
    for (const network of byPrefix) {
      if (network.family !== family) continue;
      const bucket = network.buckets.get(networkKey(bytes, network.prefix));
      if (bucket !== undefined) yield bucket;
    }
  }

  function* nameBuckets(name: string): Generator<readonly Entry<T>[]> {
    const exact = names.get(name);
    if (exact !== undefined) yield exact;
    if (suffixes.size === 0) return;
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      const bucket = suffixes.get(name.slice(dot + 1));
      if (bucket !== undefined) yield bucket;
    }
  }

  const buckets = (host: Host) => (host.kind === 'name' ? nameBuckets(host.name) : literalBuckets(host.ip));
  return {
    find: (host, port) => covering(buckets(host), port),
    findLiteral: (ip, port) => covering(literalBuckets(ip), port),
    candidates(host) {
      let entries = 0;
      for (const bucket of buckets(host)) entries += bucket.length;
      return entries;
    },
  };
}

function covering<T>(buckets: Iterable<readonly Entry<T>[]>, port: number): T[] {
  const found: T[] = [];
  for (const bucket of buckets)
    for (const entry of bucket) if (port >= entry.portFrom && port <= entry.portTo) found.push(entry.value);
  return found;
}

function push<T>(buckets: Buckets<T>, key: string, entry: Entry<T>): void {
  const bucket = buckets.get(key);
  if (bucket === undefined) buckets.set(key, [entry]);
  else bucket.push(entry);
}
