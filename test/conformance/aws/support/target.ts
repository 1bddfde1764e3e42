/** Where the suite runs: the simulator, moto, and by environment variables a real account. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { startAwsSimulator } from '@postern/lab/aws';
import { eventually, need, needThat } from '@postern/testing';
import { type Clients, clients, type Credentials } from './clients.ts';
import type { Stage } from './case.ts';
import { record, type Recorded } from './recorder.ts';

export interface Target {
  readonly name: 'simulator' | 'moto' | 'aws';
  readonly skip: string | false;
  start(): Promise<Running>;
}

export interface Running {
  readonly a: Clients;
  readonly b: Clients | undefined;
  readonly patienceMs: number;
  /** What was answered, where the target is recorded. */
  readonly recorded: readonly Recorded[];
  close(): Promise<void>;
}

const simulator: Target = {
  name: 'simulator',
  skip: false,
  async start() {
    const started = await startAwsSimulator();
    const recorder = await record(started.url);
    const { url, recorded } = recorder;
    const close = async (): Promise<void> => {
      await recorder.close();
      await started.close();
    };
    return { a: clients(url, '111111111111'), b: clients(url, '222222222222'), patienceMs: 10_000, recorded, close };
  },
};

const moto: Target = {
  name: 'moto',
  skip: need('moto_server'),
  async start() {
    const port = await freePort();
    const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    const endpoint = `http://127.0.0.1:${port}`;
    // moto has one account unless a role of another is assumed.
    const a = clients(endpoint, { accessKeyId: 'testing', secretAccessKey: 'testing' });
    await eventually('moto to answer', () => a.sts.getCallerIdentity({}), 60_000);
    return { a, b: undefined, patienceMs: 20_000, recorded: [], close: () => stop(child) };
  },
};

/**
 * POSTERN_CONFORMANCE_AWS_REGION and, for A and B, POSTERN_CONFORMANCE_AWS_A_KEY, _A_SECRET, _A_TOKEN (optional). The accounts
 * should be for nothing else: what a case makes it removes, but a case that is killed leaves things behind.
 */
const aws: Target = {
  name: 'aws',
  skip: needThat(
    'POSTERN_CONFORMANCE_AWS_REGION and credentials of a real account',
    process.env['POSTERN_CONFORMANCE_AWS_REGION'] !== undefined,
  ),
  start() {
    const region = process.env['POSTERN_CONFORMANCE_AWS_REGION'];
    const a = credentials('A');
    const b = credentials('B');
    if (a === undefined) throw new Error('POSTERN_CONFORMANCE_AWS_A_KEY and _A_SECRET are not set');
    return Promise.resolve({
      a: clients(undefined, a, region),
      b: b === undefined ? undefined : clients(undefined, b, region),
      patienceMs: 600_000,
      recorded: [],
      close: () => Promise.resolve(),
    });
  },
};

export const targets: readonly Target[] = [simulator, moto, aws];

function credentials(letter: string): Credentials | undefined {
  const read = (name: string): string | undefined => process.env[`POSTERN_CONFORMANCE_AWS_${letter}_${name}`];
  const [accessKeyId, secretAccessKey, sessionToken] = [read('KEY'), read('SECRET'), read('TOKEN')];
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function stop(child: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => child.once('close', resolve));
  if (child.kill()) await closed;
}

let named = 0;

/** Runs `act` on a stage, then undoes what was made. */
export async function onStage(running: Running, act: (stage: Stage) => Promise<void>): Promise<void> {
  const undos: (() => Promise<unknown>)[] = [];
  const accountOf = async (one: Clients): Promise<string> => (await one.sts.getCallerIdentity({})).Account ?? '';
  const b = running.b ?? running.a;
  const stage: Stage = {
    a: running.a,
    b,
    accountA: await accountOf(running.a),
    accountB: await accountOf(b),
    name: (prefix) => `${prefix}-${process.pid}-${++named}`,
    cleanup: (undo) => void undos.push(undo),
    eventually: (what, probe) => eventually(what, probe, running.patienceMs),
  };
  try {
    await act(stage);
  } finally {
    // What cannot be undone at once (an endpoint that is still going) is tried again for a while.
    for (const undo of undos.toReversed())
      await eventually('clean-up', async () => (await undo(), true), running.patienceMs).catch(() => {});
  }
}
