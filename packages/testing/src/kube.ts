/** A real Kubernetes API server for tests: etcd, kube-apiserver and, where found, kube-controller-manager, on loopback. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { request } from 'node:https';
import { join } from 'node:path';
import { findProgram } from './need.ts';
import { Running } from './process.ts';
import { temporaryDirectory } from './temp.ts';
import { eventually } from './wait.ts';

const assets = process.env['KUBEBUILDER_ASSETS'] ?? '/usr/local/kubebuilder/bin';

function binary(name: string): string | undefined {
  const path = join(assets, name);
  return existsSync(path) ? path : name === 'etcd' ? findProgram(name) : undefined;
}

/** For `{ skip: needKube() }`. */
export function needKube(): string | false {
  const missing = ['etcd', 'kube-apiserver'].filter((name) => binary(name) === undefined);
  return missing.length === 0
    ? false
    : `needs ${missing.join(', ')} in KUBEBUILDER_ASSETS or /usr/local/kubebuilder/bin`;
}

/** Quota usage, default service accounts, replica sets and the end of namespaces are the controller manager's work. */
export function hasControllerManager(): boolean {
  return binary('kube-controller-manager') !== undefined;
}

export interface Kube extends AsyncDisposable {
  readonly server: string;
  /** A kubeconfig of a cluster administrator. */
  readonly kubeconfig: string;
  readonly controllerManager: boolean;
  /** Kills the API server (SIGKILL); etcd stays, and with it every object. */
  stopServer(): Promise<void>;
  /** Starts it again at the same address, and waits until it is ready. */
  startServer(): Promise<void>;
}

export interface KubeOptions {
  /** Users beside `admin`, as `token,name,uid,"groups"` lines. */
  readonly users?: readonly string[];
  /** Not needed by most: it ends namespaces and makes replica sets. */
  readonly controllerManager?: boolean;
}

/** Ready when /readyz says so. Disposing ends all processes. */
export async function startKube(options: KubeOptions = {}): Promise<Kube> {
  const { users = [] } = options;
  const controllerManager = hasControllerManager() && options.controllerManager !== false;
  const stack = new AsyncDisposableStack();
  try {
    const dir = stack.use(temporaryDirectory()).path;
    const [client, peer, secure] = (await freePorts(3)) as [number, number, number];
    const etcdUrl = `http://127.0.0.1:${client}`;
    const peerUrl = `http://127.0.0.1:${peer}`;
    stack.use(
      new Running(binary('etcd')!, [
        '--data-dir',
        join(dir, 'etcd'),
        '--unsafe-no-fsync',
        '--listen-client-urls',
        etcdUrl,
        '--advertise-client-urls',
        etcdUrl,
        '--listen-peer-urls',
        peerUrl,
        '--initial-advertise-peer-urls',
        peerUrl,
        '--initial-cluster',
        `default=${peerUrl}`,
      ]),
    );
    const keyFile = join(dir, 'sa.key');
    writeFileSync(
      keyFile,
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }),
      { mode: 0o600 },
    );
    const token = randomBytes(16).toString('hex');
    writeFileSync(join(dir, 'tokens.csv'), [`${token},admin,1,"system:masters"`, ...users].join('\n'), { mode: 0o600 });
    const server = `https://127.0.0.1:${secure}`;
    const startServer = (): Running =>
      new Running(binary('kube-apiserver')!, [
        `--etcd-servers=${etcdUrl}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        `--secure-port=${secure}`,
        `--cert-dir=${join(dir, 'certs')}`,
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${keyFile}`,
        `--service-account-signing-key-file=${keyFile}`,
        '--service-cluster-ip-range=10.96.0.0/16',
        '--authorization-mode=RBAC',
        `--token-auth-file=${join(dir, 'tokens.csv')}`,
        '--allow-privileged=true',
        '--enable-priority-and-fairness=false',
      ]);
    let api = startServer();
    stack.defer(() => api[Symbol.asyncDispose]());
    const serverReady = (): Promise<boolean> =>
      eventually(
        'kube-apiserver to be ready',
        () => {
          if (api.child.exitCode !== null) throw new Error(`it ended:\n${api.stderr.slice(-2000)}`);
          return ready(server, token);
        },
        90_000,
      );
    const kubeconfig = join(dir, 'kubeconfig');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'admin', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
      'current-context': 'test',
    };
    writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });
    await serverReady();
    if (controllerManager)
      stack.use(
        new Running(binary('kube-controller-manager')!, [
          `--kubeconfig=${kubeconfig}`,
          `--service-account-private-key-file=${keyFile}`,
          '--leader-elect=false',
          '--secure-port=0',
          '--kube-api-qps=200',
          '--kube-api-burst=400',
        ]),
      );
    const owned = stack.move();
    return {
      server,
      kubeconfig,
      controllerManager,
      stopServer: () => api[Symbol.asyncDispose](),
      async startServer() {
        api = startServer();
        await serverReady();
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function ready(server: string, token: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${server}/readyz`,
      { rejectUnauthorized: false, headers: { authorization: `Bearer ${token}` } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

/** One for a program that must be told its port before it starts. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!;
}

/** The programs take no port 0 for what others must know beforehand; a port asked for and given back a moment ago is free. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
