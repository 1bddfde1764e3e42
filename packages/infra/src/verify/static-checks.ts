import type { FirewallDesign, GoogleDesign, NatDesign } from '@postern/core';
import { type Check, failed, passed } from './check.ts';
import type { GoogleApi } from './google.ts';

/** The addresses of the NAT allowlist and of the tunnel server, and the firewall before it: are they there, as the stack says? */

type Json = Readonly<Record<string, unknown>>;

const absent = (stack: string) => ({
  id: 'absent',
  cause: 'it does not exist in Google Cloud',
  next: `postern instance deploy --target ${stack}`,
});

export async function natChecks(api: GoogleApi, design: GoogleDesign): Promise<Check[]> {
  const { checks } = await addressChecks('nat', 'nat', api, design);
  return [...checks, ...(await Promise.all(design.nats.map((wanted) => natCheck(api, design, wanted))))];
}

async function natCheck(api: GoogleApi, { project, region }: GoogleDesign, wanted: NatDesign): Promise<Check> {
  const router = await api.get(`${project}/regions/${region}/routers/${wanted.router}`);
  const nat = list(router?.['nats']).find((one) => one['name'] === wanted.name);
  if (nat === undefined) return failed('nat', wanted.name, `no Cloud NAT ${wanted.name}`, absent('nat'));
  const count = strings(nat['natIps']).length;
  const detail = `Cloud NAT with ${count} reserved addresses`;
  if (nat['natIpAllocateOption'] !== 'AUTO_ONLY' && count === wanted.addresses)
    return passed('nat', wanted.name, detail);
  return failed('nat', wanted.name, detail, {
    id: 'nat-differs',
    cause: `the NAT has other addresses than the ${wanted.addresses} reserved ones: packets leave with one that no customer knows`,
    next: 'postern instance deploy --target nat',
  });
}

export interface ConnectFindings {
  readonly checks: readonly Check[];
  /** The server's reserved address. */
  readonly address: string | undefined;
}

export async function connectChecks(api: GoogleApi, design: GoogleDesign): Promise<ConnectFindings> {
  const { checks, found } = await addressChecks('tunnel', 'connect', api, design);
  const firewalls = await Promise.all(design.firewalls.map((wanted) => firewallCheck(api, design.project, wanted)));
  return { checks: [...checks, ...firewalls], address: found[0] };
}

async function firewallCheck(api: GoogleApi, project: string, wanted: FirewallDesign): Promise<Check> {
  const { name } = wanted;
  const seen = await api.get(`${project}/global/firewalls/${name}`);
  if (seen === undefined) return failed('tunnel', name, 'no such firewall rule', absent('connect'));
  const ranges = strings(seen['sourceRanges']);
  const rules = list(seen[wanted.action === 'allow' ? 'allowed' : 'denied']);
  const ports = rules.flatMap((rule) => strings(rule['ports']));
  const detail = `${wanted.action} ${ports.join(', ') || 'nothing'} from ${ranges.join(', ') || 'anywhere'}`;
  const differs = (cause: string): Check =>
    failed('tunnel', name, detail, { id: 'firewall-differs', cause, next: 'postern instance deploy --target connect' });
  if (seen['disabled'] === true) return differs('the rule is switched off');
  if (!same(wanted.sourceRanges, ranges))
    return differs(`the rule is for other ranges than ${wanted.sourceRanges.join(', ')}`);
  if (!same(wanted.ports, ports)) return differs(`the rule is for other ports than ${wanted.ports.join(', ')}`);
  return passed('tunnel', name, detail);
}

async function addressChecks(
  path: Check['path'],
  stack: 'nat' | 'connect',
  api: GoogleApi,
  { project, region, addresses }: GoogleDesign,
): Promise<{ checks: Check[]; found: string[] }> {
  const found: string[] = [];
  const checks = addresses
    .filter((address) => address.stack === stack)
    .map(async ({ name }): Promise<Check> => {
      const seen = await api.get(`${project}/regions/${region}/addresses/${name}`);
      if (seen === undefined) return failed(path, name, 'no such reserved address', absent(stack));
      const detail = `${String(seen['address'])} (${String(seen['status'])})`;
      found.push(String(seen['address']));
      if (seen['status'] === 'IN_USE') return passed(path, name, detail);
      return failed(path, name, detail, {
        id: 'address-unused',
        cause: 'the address is reserved and nothing uses it',
        next:
          stack === 'nat'
            ? 'postern instance deploy --target nat'
            : 'apply the manifests: the tunnel server’s load balancer takes the address',
      });
    });
  return { checks: await Promise.all(checks), found };
}

const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join(' ') === b.toSorted().join(' ');
}
