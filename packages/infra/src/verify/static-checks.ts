import type { StackJson } from '../stacks/synth.ts';
import { Node, resources } from '../vpn/json.ts';
import { type Check, failed, passed } from './check.ts';
import type { GoogleApi } from './google.ts';

/** The addresses of the NAT allowlist and of the tunnel server, and the firewall before it: are they there, as the stack says? */

type Json = Readonly<Record<string, unknown>>;
/** What only an apply knows is not asked for here. */
const nothing = (): string => '';

const absent = (stack: string) => ({
  id: 'absent',
  cause: 'it does not exist in Google Cloud',
  next: `postern instance deploy --target ${stack}`,
});

export async function natChecks(api: GoogleApi, stack: StackJson): Promise<Check[]> {
  const { project, region } = place(stack);
  const addresses = await addressChecks('nat', 'nat', api, stack);
  const nats = await Promise.all(
    resources(stack, 'google_compute_router_nat', nothing).map(async (node): Promise<Check> => {
      const name = node.text('name');
      const routers = resources(stack, 'google_compute_router', nothing).map((router) => router.text('name'));
      const found = await Promise.all(
        routers.map((router) => api.get(`${project}/regions/${region}/routers/${router}`)),
      );
      const nat = found.flatMap((router) => list(router?.['nats'])).find((one) => one['name'] === name);
      if (nat === undefined) return failed('nat', name, `no Cloud NAT ${name}`, absent('nat'));
      const ips = Array.isArray(nat['natIps']) ? nat['natIps'].length : 0;
      return passed('nat', name, `Cloud NAT with ${ips} reserved addresses`);
    }),
  );
  return [...addresses, ...nats];
}

export async function connectChecks(api: GoogleApi, stack: StackJson): Promise<Check[]> {
  const { project } = place(stack);
  const firewalls = await Promise.all(
    resources(stack, 'google_compute_firewall', nothing).map(async (node): Promise<Check> => {
      const name = node.text('name');
      const seen = await api.get(`${project}/global/firewalls/${name}`);
      if (seen === undefined) return failed('tunnel', name, 'no such firewall rule', absent('connect'));
      const wanted = strings(node.get('source_ranges'));
      const has = strings(seen['sourceRanges']);
      const detail = `from ${has.join(', ') || 'anywhere'}`;
      if (seen['disabled'] !== true && same(wanted, has)) return passed('tunnel', name, detail);
      return failed('tunnel', name, detail, {
        id: 'firewall-differs',
        cause:
          seen['disabled'] === true
            ? 'the rule is switched off'
            : `the rule admits other ranges than ${wanted.join(', ')}`,
        next: 'postern instance deploy --target connect',
      });
    }),
  );
  return [...(await addressChecks('tunnel', 'connect', api, stack)), ...firewalls];
}

async function addressChecks(
  path: Check['path'],
  stackName: string,
  api: GoogleApi,
  stack: StackJson,
): Promise<Check[]> {
  const { project, region } = place(stack);
  return Promise.all(
    resources(stack, 'google_compute_address', nothing).map(async (node): Promise<Check> => {
      const name = node.text('name');
      const seen = await api.get(`${project}/regions/${region}/addresses/${name}`);
      if (seen === undefined) return failed(path, name, 'no such reserved address', absent(stackName));
      const detail = `${String(seen['address'])} (${String(seen['status'])})`;
      if (seen['status'] === 'IN_USE') return passed(path, name, detail);
      return failed(path, name, detail, {
        id: 'address-unused',
        cause: 'the address is reserved and nothing uses it',
        next:
          path === 'nat'
            ? 'postern instance deploy --target nat'
            : 'apply the manifests: the tunnel server’s load balancer takes the address',
      });
    }),
  );
}

function place(stack: StackJson): { project: string; region: string } {
  const provider = (stack['provider'] as Record<string, unknown[]>)['google']?.[0];
  const node = new Node('provider.google', provider, nothing);
  return { project: node.text('project'), region: node.text('region') };
}

const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join(' ') === b.toSorted().join(' ');
}
