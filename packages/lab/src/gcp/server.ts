import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorMessage, type ListenAddress } from '@postern/core';
import type { LabState } from '../vpn/state.ts';
import { Compute } from './compute.ts';

/**
 * A compute endpoint for gcloud and for `verify`: `CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=http://HOST:PORT/compute/v1/`. It
 * reads only; what it does not know it refuses as Google does.
 */
export interface LabServer {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

type Answer = { readonly status: number; readonly body: unknown };

/** Collections of a region (and their aggregated lists), and global ones. */
const regional: Readonly<Record<string, (compute: Compute) => Record<string, unknown>[]>> = {
  routers: (compute) => compute.routers(),
  vpnTunnels: (compute) => compute.tunnels(),
  vpnGateways: (compute) => [compute.gateway()],
  addresses: () => [],
  forwardingRules: () => [],
};
const global: Readonly<Record<string, (compute: Compute) => Record<string, unknown>[]>> = {
  externalVpnGateways: (compute) => [compute.externalGateway()],
};

export async function startComputeServer(listen: ListenAddress, state: () => Promise<LabState>): Promise<LabServer> {
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
export function answer(method: string, path: string, state: LabState): Answer {
  const [project, ...rest] = path
    .replace(/^\/compute\/v1\/projects\//, '/projects/')
    .replace(/^\/projects\//, '')
    .split('/');
  if (!/^(\/compute\/v1)?\/projects\//.test(path)) return failure(404, `no such path: ${path}`, 'notFound');
  if (method !== 'GET')
    return failure(405, 'the lab only reads: change config.yaml and start it again', 'methodNotAllowed');
  const { design } = state;
  if (project !== design.project) return failure(404, `The resource 'projects/${project}' was not found`, 'notFound');
  const compute = new Compute(state);
  if (rest[0] === 'aggregated' && rest.length === 2) return aggregated(compute, rest[1]!, `regions/${design.region}`);
  if (rest[0] === 'global' && rest.length >= 2) return collection(global, compute, rest[1]!, rest.slice(2), path);
  if (rest[0] === 'regions' && rest.length === 2 && rest[1] === design.region)
    return { status: 200, body: { kind: 'compute#region', name: design.region, status: 'UP' } };
  if (rest[0] === 'regions' && rest.length >= 3) {
    if (rest[1] !== design.region)
      return failure(404, `The resource '${rest.slice(0, 2).join('/')}' was not found`, 'notFound');
    if (rest[2] === 'routers' && rest[4] === 'getRouterStatus')
      return compute.routers().some(({ name }) => name === rest[3])
        ? { status: 200, body: compute.routerStatus() }
        : failure(404, `The resource 'projects/${project}/${rest.slice(0, 4).join('/')}' was not found`, 'notFound');
    return collection(regional, compute, rest[2]!, rest.slice(3), path);
  }
  return failure(404, `the lab does not answer ${path}`, 'notFound');
}

function aggregated(compute: Compute, name: string, scope: string): Answer {
  const items = regional[name]?.(compute);
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
  compute: Compute,
  name: string,
  [item, ...more]: readonly string[],
  path: string,
): Answer {
  const items = known[name]?.(compute);
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
