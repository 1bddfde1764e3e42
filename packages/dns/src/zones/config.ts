/** `kind: DNSProxy`: the file as people write it, with every check that needs nothing but the file. */
import { durationField, type Host, hostField, type ListenAddress, listenField, parseHost } from '@postern/core';
import { z } from 'zod';
import type { ResolverAddress } from './address.ts';

const dnsPort = 53;
/** Far above any pod's needs; a slip such as a pasted zone file is answered at once. */
const routesMax = 10_000;
/** glibc reads three; more make the wait for a dead one longer than any client's patience. */
const upstreamsMax = 8;
/** At about 700 bytes an entry this is 700 MB; whoever sets it has read the guide. */
const cacheEntriesMax = 1_000_000;

type Invalid = { readonly kind: 'invalid'; readonly reason: string };

/** `10.0.0.2`, `10.0.0.2:5353`, `2001:db8::1`, `[2001:db8::1]:5353`. */
export function parseResolver(text: string): ResolverAddress | Invalid {
  const bare = parseHost(text.replace(/^\[([^\]]*)\]$/, '$1'));
  if (bare.kind === 'ip') return { address: bare.ip, port: dnsPort };
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const host = match === null ? undefined : parseHost(match[1] ?? match[2]!);
  const port = Number(match?.[3]);
  if (host?.kind !== 'ip')
    return invalid('is not the address of a resolver such as 10.0.0.10, 10.0.0.10:53 or [2001:db8::1]:53');
  if (port < 1 || port > 65_535) return invalid('has a port outside 1 to 65535');
  return { address: host.ip, port };
}

function invalid(reason: string): Invalid {
  return { kind: 'invalid', reason };
}

const resolverField = (description: string) =>
  z
    .string()
    .transform((text, context): ResolverAddress => {
      const parsed = parseResolver(text);
      if (!('reason' in parsed)) return parsed;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} ${parsed.reason}` });
      return z.NEVER;
    })
    .describe(description);

const nameField = (description: string) =>
  hostField()
    .transform((host: Host, context): string => {
      if (host.kind === 'name') return host.name;
      context.addIssue({ code: 'custom', message: `"${host.ip}" is an address; a route leads from a name to a name` });
      return z.NEVER;
    })
    .describe(description);

const routeSchema = z.strictObject({
  source: nameField('The private name that the pods ask for. Exactly this name, in any case; no wildcard.'),
  destination: nameField('The name whose records answer for it, such as the regional vpce name of an endpoint.'),
  resolverIP: resolverField('Who resolves the destination, where that is not the upstreams.').optional(),
});

const cacheSchema = z.strictObject({
  entries: z
    .int()
    .min(0)
    .max(cacheEntriesMax)
    .default(10_000)
    .describe('Replies kept at most; 0 switches the cache off.'),
  maxTTL: durationField({
    maxMs: 86_400_000,
    description: 'The longest a reply is kept, whatever its TTL: 60s.',
  }).default(60_000),
});

const resolvConfSchema = z.strictObject({
  path: z.string().min(1).default('/etc/resolv.conf'),
  rewrite: z.boolean().default(false).describe('Rewrite the file so that it names this proxy; restored on exit.'),
});

export const configSchema = z
  .strictObject({
    apiVersion: z.literal('postern.dev/v1'),
    kind: z.literal('DNSProxy'),
    listen: listenField().default({ host: '127.0.0.1', port: dnsPort }),
    admin: listenField().optional(),
    adminTokenFile: z.string().min(1).optional().describe('Needed where admin is not loopback.'),
    upstreams: z
      .array(resolverField('The address of a resolver: 10.0.0.10:53.'))
      .min(1)
      .max(upstreamsMax)
      .optional()
      .describe('Who answers everything else. Without it, the nameservers of the original resolv.conf.'),
    routes: z
      .array(routeSchema)
      .max(routesMax)
      .superRefine((routes, context) => checkRoutes(routes, context), { when: () => true })
      .default([]),
    cache: cacheSchema.prefault({}),
    resolvConf: resolvConfSchema.prefault({}),
  })
  .superRefine((config, context) => checkSelf(config, context), { when: () => true });

export type DnsProxyConfig = z.infer<typeof configSchema>;
type RouteEntry = z.infer<typeof routeSchema>;

/** What is half-parsed is looked at too, so that all problems come at once. */
function checkRoutes(routes: readonly Partial<RouteEntry>[], context: z.RefinementCtx): void {
  if (!Array.isArray(routes)) return;
  const problem = (index: number, field: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [index, field], message });
  const bySource = new Map<string, number>();
  for (const [i, route] of routes.entries()) {
    if (typeof route?.source !== 'string') continue;
    const first = bySource.get(route.source);
    if (first === undefined) bySource.set(route.source, i);
    else problem(i, 'source', `"${route.source}" has a route already (routes[${first}])`);
  }
  for (const [i, route] of routes.entries()) {
    if (typeof route?.source !== 'string' || typeof route.destination !== 'string') continue;
    if (route.source === route.destination) {
      problem(i, 'destination', `"${route.destination}" is the source itself: a loop`);
      continue;
    }
    const next = bySource.get(route.destination);
    if (next === undefined) continue;
    problem(
      i,
      'destination',
      `"${route.destination}" is itself routed (routes[${next}]): ${chainAdvice(routes, i, bySource)}`,
    );
  }
}

function chainAdvice(
  routes: readonly Partial<RouteEntry>[],
  from: number,
  bySource: ReadonlyMap<string, number>,
): string {
  const seen = new Set<number>([from]);
  let name = routes[from]!.destination!;
  for (;;) {
    const next = bySource.get(name);
    if (next === undefined) return `write the end of the chain, ${name}`;
    if (seen.has(next)) return 'the routes form a loop';
    seen.add(next);
    const destination = routes[next]!.destination;
    if (typeof destination !== 'string') return 'write the end of the chain';
    name = destination;
  }
}

function checkSelf(config: Partial<DnsProxyConfig>, context: z.RefinementCtx): void {
  const listen = config.listen;
  if (typeof listen !== 'object' || typeof listen.host !== 'string') return;
  const check = (resolver: ResolverAddress | undefined, path: (string | number)[]): void => {
    if (resolver !== undefined && typeof resolver === 'object' && isSelf(resolver, listen))
      context.addIssue({ code: 'custom', path, message: 'is the address this proxy listens on: a loop' });
  };
  if (Array.isArray(config.upstreams))
    for (const [i, upstream] of config.upstreams.entries()) check(upstream, ['upstreams', i]);
  if (Array.isArray(config.routes))
    for (const [i, route] of config.routes.entries()) check(route?.resolverIP, ['routes', i, 'resolverIP']);
}

/** Whether a query to `resolver` would come back to a proxy that listens there; `own` are this machine's addresses, where known. */
export function isSelf(resolver: ResolverAddress, listen: ListenAddress, own: readonly string[] = []): boolean {
  if (resolver.port !== listen.port) return false;
  const host = listen.host === 'localhost' ? '127.0.0.1' : listen.host;
  if (resolver.address === host) return true;
  const any = host === '0.0.0.0' || host === '::';
  const toMyself = /^(127\.|0\.0\.0\.0$|::$|::1$)/.test(resolver.address) || own.includes(resolver.address);
  if (any) return toMyself && !(host === '0.0.0.0' && resolver.address.includes(':'));
  // The unspecified address as a destination means this machine's loopback.
  return (host === '127.0.0.1' && resolver.address === '0.0.0.0') || (host === '::1' && resolver.address === '::');
}
