import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorMessage, type GoogleDesign, type ListenAddress } from '@postern/core';
import type { LabState } from '../vpn/state.ts';
import { Compute } from './compute.ts';
import { Network } from './network.ts';

/**
 * A compute endpoint for gcloud and for `verify`: `CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=http://HOST:PORT/compute/v1/`. It
 * reads only; what it does not know it refuses as Google does.
 */
export interface LabServer {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

/** What it answers from. */
export interface ComputeState {
  readonly vpn?: LabState | undefined;
  readonly google?: GoogleDesign | undefined;
  /** The address at which a tunnel server runs. */
  readonly tunnelServer?: string | undefined;
}

type Answer = { readonly status: number; readonly body: unknown };
type Items = Record<string, unknown>[];

/** Both halves of the instance's Google Cloud. */
class Cloud {
  readonly place: { readonly project: string; readonly region: string } | undefined;
  readonly vpn: Compute | undefined;
  readonly network: Network | undefined;

  constructor({ vpn, google, tunnelServer }: ComputeState) {
    this.place = vpn?.design ?? google;
    this.vpn = vpn === undefined ? undefined : new Compute(vpn);
    this.network = google === undefined ? undefined : new Network(google, tunnelServer);
  }

  routerStatus(name: string | undefined): Record<string, unknown> | undefined {
    if (this.vpn?.routers().some((router) => router['name'] === name) === true) return this.vpn.routerStatus();
    const mine = this.network?.routers().some((router) => router['name'] === name) === true;
    return mine ? this.network.routerStatus() : undefined;
  }
}

/** Collections of a region (and their aggregated lists), and global ones. */
const regional: Readonly<Record<string, (cloud: Cloud) => Items>> = {
  routers: ({ vpn, network }) => [...(vpn?.routers() ?? []), ...(network?.routers() ?? [])],
  vpnTunnels: ({ vpn }) => vpn?.tunnels() ?? [],
  vpnGateways: ({ vpn }) => (vpn === undefined ? [] : [vpn.gateway()]),
  addresses: ({ network }) => network?.addresses() ?? [],
  forwardingRules: () => [],
};
const global: Readonly<Record<string, (cloud: Cloud) => Items>> = {
  externalVpnGateways: ({ vpn }) => (vpn === undefined ? [] : [vpn.externalGateway()]),
  firewalls: ({ network }) => network?.firewalls() ?? [],
};

export async function startComputeServer(
  listen: ListenAddress,
  state: () => Promise<ComputeState>,
): Promise<LabServer> {
  const server = createServer((request, response) => {
    void (async () => {
      const { status, body } = await state()
        .then((now) => answer(request.method ?? 'GET', new URL(request.url ?? '/', 'http://lab').pathname, now))
        .catch((error: unknown) => failure(503, errorMessage(error), 'backendError'));
      response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' });
      response.end(`${JSON.stringify(body, null, 2)}\n`);
    })();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: listen.host, port: listen.port }, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One request. PURE. */
export function answer(method: string, path: string, state: ComputeState): Answer {
  const [project, ...rest] = path
    .replace(/^\/compute\/v1\/projects\//, '/projects/')
    .replace(/^\/projects\//, '')
    .split('/');
  if (!/^(\/compute\/v1)?\/projects\//.test(path)) return failure(404, `no such path: ${path}`, 'notFound');
  if (method !== 'GET')
    return failure(405, 'the lab only reads: change config.yaml and start it again', 'methodNotAllowed');
  const cloud = new Cloud(state);
  const { place } = cloud;
  if (place === undefined || project !== place.project)
    return failure(404, `The resource 'projects/${project}' was not found`, 'notFound');
  if (rest[0] === 'aggregated' && rest.length === 2) return aggregated(cloud, rest[1]!, `regions/${place.region}`);
  if (rest[0] === 'global' && rest.length >= 2) return collection(global, cloud, rest[1]!, rest.slice(2), path);
  if (rest[0] === 'regions' && rest.length === 2 && rest[1] === place.region)
    return { status: 200, body: { kind: 'compute#region', name: place.region, status: 'UP' } };
  if (rest[0] === 'regions' && rest.length >= 3) {
    if (rest[1] !== place.region)
      return failure(404, `The resource '${rest.slice(0, 2).join('/')}' was not found`, 'notFound');
    if (rest[2] === 'routers' && rest[4] === 'getNatMappingInfo' && cloud.routerStatus(rest[3]) !== undefined)
      return { status: 200, body: { kind: 'compute#vmEndpointNatMappingsList', result: [] } }; // the lab has no machines
    if (rest[2] === 'routers' && rest[4] === 'getRouterStatus') {
      const body = cloud.routerStatus(rest[3]);
      return body === undefined
        ? failure(404, `The resource 'projects/${project}/${rest.slice(0, 4).join('/')}' was not found`, 'notFound')
        : { status: 200, body };
    }
    return collection(regional, cloud, rest[2]!, rest.slice(3), path);
  }
  return failure(404, `the lab does not answer ${path}`, 'notFound');
}

function aggregated(cloud: Cloud, name: string, scope: string): Answer {
  const items = regional[name]?.(cloud);
  if (items === undefined) return failure(404, `the lab has no ${name}`, 'notFound');
  return {
    status: 200,
    body: {
      kind: `compute#${name.replace(/s$/, '')}AggregatedList`,
      items: items.length === 0 ? {} : { [scope]: { [name]: items } },
    },
  };
}

function collection(
  known: typeof regional,
  cloud: Cloud,
  name: string,
  [item, ...more]: readonly string[],
  path: string,
): Answer {
  const items = known[name]?.(cloud);
  if (items === undefined || more.length > 0) return failure(404, `the lab does not answer ${path}`, 'notFound');
  if (item === undefined) return { status: 200, body: { kind: `compute#${name.replace(/s$/, '')}List`, items } };
  const found = items.find((candidate) => candidate['name'] === item);
  return found === undefined
    ? failure(404, `The resource '${path.replace(/^\/compute\/v1\//, '')}' was not found`, 'notFound')
    : { status: 200, body: found };
}

function failure(code: number, message: string, reason: string): Answer {
  return { status: code, body: { error: { code, message, errors: [{ message, domain: 'global', reason }] } } };
}
