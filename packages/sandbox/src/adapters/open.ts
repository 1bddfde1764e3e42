/** Forwards a local port to a running application, waits until it answers, and says where. */
import { type AddressInfo, type Server, createServer } from 'node:net';
import { request } from 'node:http';
import { type Clock, PosternError, UsageError, errorCode } from '@postern/core';
import type { BuildingBlock } from '../plan/building-block.ts';
import type { Cluster, Live } from './cluster.ts';

export interface OpenOptions {
  readonly port: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly step: (text: string) => void;
}

/** A pod that is not ready after this long will not be. */
const readyTimeoutMs = 120_000;
const pollMs = 500;

export interface Opened {
  readonly url: string;
  readonly pod: string;
  readonly close: () => Promise<void>;
}

export async function openBlock(cluster: Cluster, block: BuildingBlock, options: OpenOptions): Promise<Opened> {
  const service = {
    name: block.service?.name ?? `${block.name}-service`,
    port: block.service?.port ?? 8080,
    path: block.service?.path ?? '/api/v1',
  };
  const deadlineMs = options.clock.monotonic() + readyTimeoutMs;
  options.step(`looking for a ready pod behind ${service.name}`);
  const { pod, port } = await readyPod(cluster, block.namespace, service, options, deadlineMs);
  const forward = await listen(cluster, pod, port, options.port);
  const { port: local } = forward.address() as AddressInfo;
  const url = `http://localhost:${local}${service.path}`;
  const close = (): Promise<void> => new Promise((resolve) => forward.close(() => resolve()));
  try {
    options.step(`waiting until ${url} answers`);
    while (!(await answers(local, service.path))) {
      if (options.clock.monotonic() > deadlineMs)
        throw new PosternError('OPEN', `${url} did not answer within ${readyTimeoutMs / 1000} s`, {
          hint: `kubectl -n ${block.namespace} logs ${pod.metadata.name}`,
        });
      await options.clock.sleep(pollMs, options.signal);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { url, pod: pod.metadata.name, close };
}

async function readyPod(
  cluster: Cluster,
  namespace: string,
  service: { readonly name: string; readonly port: number },
  { clock, signal }: OpenOptions,
  deadlineMs: number,
): Promise<{ pod: Live; port: number }> {
  const live = await cluster.read(
    { apiVersion: 'v1', kind: 'Service', metadata: { name: service.name, namespace } },
    signal,
  );
  if (live === undefined)
    throw new UsageError(`there is no Service ${namespace}/${service.name}`, {
      hint: 'name it in spec.service.name of the BuildingBlock',
    });
  const { selector = {}, ports = [] } = live['spec'] as {
    selector?: Record<string, string>;
    ports?: Array<{ port: number; targetPort?: number | string }>;
  };
  const target = ports.find((one) => one.port === service.port)?.targetPort ?? service.port;
  const labels = Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  if (labels === '') throw new UsageError(`Service ${namespace}/${service.name} selects no pods`);
  for (;;) {
    const pods = await cluster.list('v1', 'Pod', { namespace, labels, signal });
    const ready = pods.find((pod) =>
      ((pod['status'] as { conditions?: Array<{ type: string; status: string }> } | undefined)?.conditions ?? []).some(
        (one) => one.type === 'Ready' && one.status === 'True',
      ),
    );
    if (ready !== undefined)
      return { pod: ready, port: typeof target === 'number' ? target : namedPort(ready, target) };
    if (clock.monotonic() > deadlineMs)
      throw new PosternError('OPEN', `no pod behind ${namespace}/${service.name} is ready (${pods.length} there)`, {
        hint: `kubectl -n ${namespace} get pods says why`,
      });
    await clock.sleep(pollMs, signal);
  }
}

function namedPort(pod: Live, name: string): number {
  const { containers } = pod['spec'] as {
    containers: Array<{ ports?: Array<{ name?: string; containerPort: number }> }>;
  };
  const found = containers.flatMap((one) => one.ports ?? []).find((one) => one.name === name);
  if (found === undefined) throw new UsageError(`pod ${pod.metadata.name} has no port named ${name}`);
  return found.containerPort;
}

/** Each connection is a stream of its own to the pod, over the API server. Loopback only: it is the operator's own window. */
async function listen(cluster: Cluster, pod: Live, port: number, local: number): Promise<Server> {
  const { PortForward } = await import('@kubernetes/client-node');
  const forward = new PortForward(cluster.config);
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    forward.portForward(pod.metadata.namespace!, pod.metadata.name, [port], socket, null, socket).then(
      (stream) => {
        // Its types know one shape for a stream that reconnects; ours does not.
        const channel = stream as { close: () => void; addEventListener: (name: 'close', done: () => void) => void };
        // The library passes bytes on, not ends: an answer without a length ends with its connection.
        channel.addEventListener('close', () => socket.end());
        socket.once('close', () => channel.close());
      },
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        errorCode(error) === 'EADDRINUSE'
          ? new UsageError(`port ${local} is in use here`, { hint: '--port takes another one' })
          : error,
      ),
    );
    server.listen(local, '127.0.0.1', resolve);
  });
  return server;
}

/** Any answer of HTTP will do: a 404 is an application that runs. */
function answers(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, timeout: 5000 }, (answer) => {
      answer.resume();
      resolve((answer.statusCode ?? 500) < 500);
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(false));
    sent.end();
  });
}
