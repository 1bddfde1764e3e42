import { execFileSync } from 'node:child_process';
import { PosternError } from '@postern/core';

/**
 * Three network namespaces on one machine (Linux, root): the product's side, the internet with the tunnel server, the customer's side.
 * The customer's private network is not routed: the product can reach the server, the agent can reach the server, and that is all.
 *
 *   product 192.0.2.2 ── 192.0.2.1 server 198.51.100.1 ── 198.51.100.2 customer, which also has 10.20.0.10 (the private host)
 */
export interface Places {
  /** Runs a command in a place: the words to put before it. */
  in(place: Place): readonly string[];
  readonly serverAddress: string;
  readonly hostAddress: string;
  readonly listenServer: string;
  /** A fixed port where each place is a machine of its own, 0 where they share one. */
  readonly hostPort: number;
  readonly proxyPort: number;
  remove(): void;
}
export type Place = 'product' | 'server' | 'customer';

/** All on this machine's loopback: the private host is hidden only by its name. */
export const oneMachine: Places = {
  in: () => [],
  serverAddress: '127.0.0.1',
  hostAddress: '127.0.0.1',
  listenServer: '127.0.0.1:0',
  hostPort: 0,
  proxyPort: 0,
  remove: () => {},
};

const addresses = { product: '192.0.2.2', toProduct: '192.0.2.1', server: '198.51.100.1', customer: '198.51.100.2' };
const privateAddress = '10.20.0.10';

export function createNamespaces(id: string): Places {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new PosternError('NAMESPACES', '--namespaces needs Linux and root', {
      hint: 'run it with sudo, or leave --namespaces away',
      exitCode: 2,
    });
  const name = (place: Place): string => `postern-${id}-${place}`;
  const made: string[] = [];
  const remove = (): void => {
    for (const namespace of made.splice(0).toReversed()) ipQuietly('netns', 'del', namespace);
  };
  const addNamespace = (place: Place): void => {
    ip('netns', 'add', name(place));
    made.push(name(place));
    ip('-n', name(place), 'link', 'set', 'lo', 'up');
  };
  const join = (a: Place, aAddress: string, b: Place, bAddress: string): void => {
    ip('-n', name(a), 'link', 'add', `to-${b}`, 'type', 'veth', 'peer', 'name', `to-${a}`, 'netns', name(b));
    for (const [place, other, address] of [
      [a, b, aAddress],
      [b, a, bAddress],
    ] as const) {
      ip('-n', name(place), 'address', 'add', `${address}/30`, 'dev', `to-${other}`);
      ip('-n', name(place), 'link', 'set', `to-${other}`, 'up');
    }
  };
  try {
    addNamespace('product');
    addNamespace('server');
    addNamespace('customer');
    join('product', addresses.product, 'server', addresses.toProduct);
    join('server', addresses.server, 'customer', addresses.customer);
    // A new namespace may inherit the machine's setting, and a container host forwards.
    ip('netns', 'exec', name('server'), 'sh', '-c', 'echo 0 > /proc/sys/net/ipv4/ip_forward');
    ip('-n', name('product'), 'route', 'add', addresses.server, 'via', addresses.toProduct);
    // Where a private address goes from the product: nowhere, and at once, as from a router that does not know it.
    ip('-n', name('product'), 'route', 'add', 'unreachable', 'default');
    ip('-n', name('customer'), 'address', 'add', `${privateAddress}/32`, 'dev', 'lo');
  } catch (error) {
    remove();
    throw error;
  }
  return {
    in: (place) => ['ip', 'netns', 'exec', name(place)],
    serverAddress: addresses.server,
    hostAddress: privateAddress,
    listenServer: '0.0.0.0:50050',
    hostPort: 443,
    proxyPort: 3128,
    remove,
  };
}

function ip(...args: string[]): void {
  try {
    execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const stderr = String((error as { stderr?: Buffer }).stderr ?? '').trim();
    throw new PosternError(
      'NAMESPACES',
      missing ? 'the program `ip` is not installed' : `ip ${args.join(' ')}: ${stderr}`,
      {
        hint: missing ? 'install iproute2' : 'this kernel or container may forbid network namespaces',
        cause: error,
      },
    );
  }
}

function ipQuietly(...args: string[]): void {
  try {
    ip(...args);
  } catch {
    // what is gone need not be removed
  }
}
