/**
 * The simulator's own pages under /_postern: what happened, what there is, and the knobs. JSON in, JSON out. They are for tests
 * and for the person at the desk; a page of a browser cannot reach them (the Host header must name a loopback address or the
 * address the simulator listens on).
 */
import { z } from 'zod';
import { fits } from '../access/pattern.ts';
import { network } from '../ec2/ip.ts';
import { vpnConnections } from '../ec2/vpn-records.ts';
import type { WireReply, WireRequest } from '../server/protocol.ts';
import { kinds } from '../world/kind.ts';
import { defaultQuotas, type Quotas } from '../world/quotas.ts';
import { zonesOf } from '../world/partition.ts';
import type { World } from '../world/world.ts';
import type { Entry } from './journal.ts';
import type { RuleInput } from './rules.ts';
import { setFindings } from './scan.ts';

export const pages: Readonly<Record<string, string>> = {
  'GET /_postern/journal':
    'every call; ?since=SEQ, service=, action=, account=, principal=, error= (patterns), changes=true',
  'GET /_postern/journal/summary': 'how many calls by action; the same parameters',
  'DELETE /_postern/journal': 'forget the calls',
  'GET /_postern/state': 'every record by kind; ?kind=, account=',
  'GET /_postern/rules': 'the rules, and how often each was applied',
  'POST /_postern/rules': 'add a rule {id?, match, skip?, times?, effect}',
  'DELETE /_postern/rules': 'remove all rules; /_postern/rules/ID removes one',
  'GET /_postern/quotas': 'the service quotas',
  'PUT /_postern/quotas': 'change some of them',
  'PUT /_postern/zones': 'zone names of an account {account, zones: {"us-east-1a": "use1-az3"}}',
  'PUT /_postern/tunnel': 'the far side of a VPN tunnel {connection, tunnel, up, learned: ["10.128.0.0/20"]}',
  'PUT /_postern/kubernetes':
    'the API server that EKS clusters name as their own {endpoint, certificateAuthority?: base64}',
  'PUT /_postern/scan':
    'findings of an image {repositoryArn, imageDigest | imageTag, findings: [{name, severity, attributes}]}',
  'POST /_postern/time': 'let time pass {advanceMs}',
  'POST /_postern/reset': 'an empty world, no rules, an empty journal',
  'GET /_postern/healthz': 'whether it runs',
};

type Page = (world: World, request: WireRequest) => unknown;

const quotaNames = Object.keys(defaultQuotas) as [keyof Quotas, ...(keyof Quotas)[]];
const quotasSchema = z.partialRecord(z.enum(quotaNames), z.number().int().min(0).max(1_000_000));
const zonesSchema = z.strictObject({ account: z.string().regex(/^\d{12}$/), zones: z.record(z.string(), z.string()) });
const tunnelSchema = z.strictObject({
  connection: z.string(),
  /** Its outside address on AWS's side. */
  tunnel: z.string(),
  up: z.boolean(),
  learned: z.array(z.string()).max(100).default([]),
});
const apiServerSchema = z.strictObject({
  endpoint: z.url({ protocol: /^https$/ }),
  certificateAuthority: z.base64().optional(),
});
const timeSchema = z.strictObject({ advanceMs: z.number().int().min(0).max(31_622_400_000) });

const handlers: Readonly<Record<string, Page>> = {
  'GET /_postern': () => pages,
  'GET /_postern/healthz': () => ({ status: 'ok' }),
  'GET /_postern/journal': (world, { url }) => ({
    last: world.journal.last,
    entries: world.journal.entries(journalQuery(url)),
  }),
  'GET /_postern/journal/summary': (world, { url }) => world.journal.summary(journalQuery(url)),
  'DELETE /_postern/journal': (world) => {
    world.journal.clear();
    return done();
  },
  'GET /_postern/state': (world, { url }) =>
    stateOf(world, url.searchParams.get('kind'), url.searchParams.get('account')),
  'GET /_postern/rules': (world) => ({ rules: world.rules.list() }),
  'POST /_postern/rules': (world, request) => {
    const body = bodyOf(request);
    return { rules: (Array.isArray(body) ? body : [body]).map((rule) => world.rules.add(rule as RuleInput)) };
  },
  'DELETE /_postern/rules': (world) => {
    world.rules.clear();
    return done();
  },
  'GET /_postern/quotas': (world) => world.quotas,
  'PUT /_postern/quotas': (world, request) => Object.assign(world.quotas, quotasSchema.parse(bodyOf(request))),
  'PUT /_postern/tunnel': (world, request) => setTunnel(world, tunnelSchema.parse(bodyOf(request))),
  'PUT /_postern/kubernetes': (world, request) => {
    const { endpoint, certificateAuthority } = apiServerSchema.parse(bodyOf(request));
    world.apiServer = { endpoint, ...(certificateAuthority === undefined ? {} : { certificateAuthority }) };
    return done();
  },
  'PUT /_postern/scan': (world, request) => setFindings(world, bodyOf(request)),
  'PUT /_postern/zones': (world, request) => setZones(world, zonesSchema.parse(bodyOf(request))),
  'POST /_postern/time': (world, request) => {
    world.advance(timeSchema.parse(bodyOf(request)).advanceMs);
    return done();
  },
  'POST /_postern/reset': (world) => {
    world.reset();
    return done();
  },
};

export function control(world: World, request: WireRequest): WireReply {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  // DNS rebinding sends the attacker's own name; every name that is no address but localhost is refused.
  if (!/^(localhost|[\d.]+|[0-9a-f:]+)$/i.test(host))
    return json(403, { error: 'the Host header must be an address or localhost' });
  const path = request.url.pathname.replace(/\/$/, '');
  const one = /^\/_postern\/rules\/([\w.-]+)$/.exec(path);
  try {
    if (one !== null && request.method === 'DELETE')
      return world.rules.remove(one[1]!) ? json(200, { done: true }) : json(404, { error: `no rule ${one[1]}` });
    const page = handlers[`${request.method} ${path}`];
    if (page === undefined) return json(404, { error: 'no such page', pages });
    world.settle();
    return json(200, page(world, request));
  } catch (error) {
    const problems =
      error instanceof z.ZodError
        ? error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
        : [String(error)];
    return json(400, { error: problems.join('; ') });
  }
}

function bodyOf(request: WireRequest): unknown {
  try {
    return JSON.parse(request.body);
  } catch {
    throw new Error('the body must be JSON');
  }
}

const done = (): { done: true } => ({ done: true });

function json(status: number, value: unknown): WireReply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: `${JSON.stringify(value, null, 2)}\n`,
  };
}

function journalQuery(url: URL): { since: number; match: (entry: Entry) => boolean } {
  const wanted = (['service', 'action', 'account', 'principal', 'error', 'region'] as const).flatMap((name) => {
    const pattern = url.searchParams.get(name);
    return pattern === null ? [] : [[name, pattern] as const];
  });
  const changes = url.searchParams.get('changes');
  return {
    since: Number(url.searchParams.get('since') ?? 0),
    match: (entry) =>
      wanted.every(([name, pattern]) => fits(pattern, entry[name] ?? '', true)) &&
      (changes === null || String(entry.changes) === changes),
  };
}

/** Every record that is left, by kind; kinds without any are left out, so that an empty world is `{}`. */
export function stateOf(
  world: World,
  kind: string | null = null,
  account: string | null = null,
): Record<string, unknown[]> {
  const names = kind === null ? [...new Set([...kinds.keys(), ...world.tableNames()])].toSorted() : [kind];
  return Object.fromEntries(
    names.flatMap((name) => {
      const records = [...world.table(name).values()].filter(
        (record) => account === null || record.account === account,
      );
      return records.length === 0 ? [] : [[name, records]];
    }),
  );
}

function setTunnel(world: World, { connection, tunnel, up, learned }: z.output<typeof tunnelSchema>): { done: true } {
  const found = vpnConnections.get(world, connection)?.tunnels.find(({ outside }) => outside === tunnel);
  if (found === undefined) throw new Error(`no tunnel ${tunnel} of ${connection}`);
  Object.assign(found, { up, learned: learned.map((cidr) => network(cidr, 'learned').text), changedAtMs: world.now() });
  return done();
}

function setZones(world: World, { account, zones }: z.output<typeof zonesSchema>): { done: true } {
  for (const [name, id] of Object.entries(zones)) {
    const region = name.slice(0, -1);
    if (!zonesOf(region).some((zone) => zone.id === id)) throw new Error(`${id} is no zone of ${region}`);
  }
  world.zoneIds.set(account, zones);
  return { done: true };
}
