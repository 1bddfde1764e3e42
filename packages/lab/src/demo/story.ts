import { join } from 'node:path';
import { PosternError } from '@postern/core';
import { isolatedGit, type Served } from './repository.ts';
import type { Stage } from './stage.ts';
import { fileOf, names, postern, type World } from './world.ts';

/** What the demo shows once its world stands: blocked without the tunnel, whole through it, refused beyond the policy, all of it recorded. */

export interface Scene {
  readonly world: World;
  readonly stage: Stage;
  readonly served: Served;
  readonly hostPort: number;
  readonly proxyPort: number;
}

export function urlOf({ served, hostPort }: Scene): string {
  return `https://${names.host}${hostPort === 443 ? '' : `:${hostPort}`}/${served.name}`;
}

function gitEnvironment(world: World): Record<string, string> {
  return {
    ...isolatedGit(world.scratch),
    GIT_TERMINAL_PROMPT: '0',
    // Nobody's proxy settings but the ones the story sets.
    HTTPS_PROXY: '',
    https_proxy: '',
    ALL_PROXY: '',
    all_proxy: '',
    NO_PROXY: '',
    no_proxy: '',
    // In the environment, because there it wins over a CA that this machine's own environment may name.
    GIT_SSL_CAINFO: fileOf(world, 'corp-ca.pem'),
    RES_OPTIONS: 'timeout:2 attempts:1',
  };
}

export async function directAttempt(scene: Scene): Promise<void> {
  const { world, stage, hostPort } = scene;
  await stage.step('the product asks the git host directly: no way', async (note) => {
    const url = urlOf(scene);
    note.command(`git ls-remote ${url}`);
    // Even told the address, where the network is a real one: there is no route. (git before 2.37 ignores this and fails at the name.)
    const { hostAddress } = world.places;
    const address = hostAddress.startsWith('127.')
      ? []
      : ['-c', `http.curloptResolve=${names.host}:${hostPort}:${hostAddress}`];
    const command = [...world.places.in('product'), 'git', ...address, 'ls-remote', url];
    const { code, stderr } = await world.children.run(
      command,
      { env: gitEnvironment(world), timeoutMs: 20_000 },
      world.signal,
    );
    world.signal.throwIfAborted();
    if (code === 0) throw new PosternError('DEMO', `${url} is reachable without the tunnel`);
    note.result(code === null ? 'no answer within 20 s' : lastLine(stderr));
  });
}

export async function cloneThrough(scene: Scene): Promise<void> {
  const { world, stage, served, proxyPort } = scene;
  await stage.step('git clone through client, server and agent', async (note) => {
    const url = urlOf(scene);
    const clone = join(world.scratch, 'clone');
    note.command(`git -c http.proxy=http://127.0.0.1:${proxyPort} clone ${url}`);
    const proxy = ['-c', `http.proxy=http://127.0.0.1:${proxyPort}`];
    const inPlace = world.places.in('product');
    const command = [...inPlace, 'git', ...proxy, 'clone', '--quiet', url, clone];
    const cloned = await world.children.run(command, { env: gitEnvironment(world) }, world.signal);
    world.signal.throwIfAborted();
    if (cloned.code !== 0)
      throw new PosternError('DEMO', 'the clone through the tunnel failed', { hint: cloned.stderr.trim() });
    const head = await world.children.run(
      ['git', '-C', clone, 'rev-parse', 'HEAD'],
      { env: gitEnvironment(world) },
      world.signal,
    );
    const commit = head.stdout.trim();
    if (commit !== served.commit)
      throw new PosternError('DEMO', `the clone is at ${commit}, the host at ${served.commit}`);
    note.result(`commit ${commit}, as on the host (${served.commits} commits)`);
  });
}

export async function refusal(scene: Scene): Promise<void> {
  const { world, stage, proxyPort } = scene;
  await stage.step('a destination that the policy does not list: 403', async (note) => {
    const target = 'payroll.corp.acme.example:443';
    note.command(`curl -x http://127.0.0.1:${proxyPort} https://payroll.corp.acme.example/`);
    const probe = [
      process.execPath,
      join(import.meta.dirname, 'connect-probe.ts'),
      '127.0.0.1',
      String(proxyPort),
      target,
    ];
    const finished = await world.children.run([...world.places.in('product'), ...probe], {}, world.signal);
    world.signal.throwIfAborted();
    const answer = parseJson(finished.stdout) as { status: number; body: string } | undefined;
    if (answer?.status !== 403)
      throw new PosternError(
        'DEMO',
        `expected 403, got ${answer?.status ?? finished.stderr.trim()} ${answer?.body ?? ''}`,
      );
    note.result(`HTTP 403  ${answer.body}`);
  });
}

interface Entry {
  readonly event: string;
  readonly time?: string;
  readonly client?: string;
  readonly agent?: string;
  readonly destination?: string;
  readonly resolvedAddress?: string;
  readonly rule?: string;
  readonly reason?: string;
  readonly bytesFromAgent?: number;
  readonly ms?: number;
}

export async function auditRecords(scene: Scene): Promise<void> {
  const { world, stage, hostPort } = scene;
  await stage.step('the server has both in its audit log, and the log is whole', async (note) => {
    const wanted = (entries: readonly Entry[]): [Entry, Entry] | undefined => {
      const closed = entries.find(
        (e) => e.event === 'connection.close' && e.destination === `${names.host}:${hostPort}`,
      );
      const refused = entries.find((e) => e.event === 'connection.refuse');
      return closed === undefined || refused === undefined ? undefined : [closed, refused];
    };
    // Records are written in batches off the data path: the newest may be a moment away.
    for (let look = 0; ; look++) {
      const quiet = { command: () => {}, result: () => {} };
      const { stdout } = await postern(world, look === 0 ? note : quiet, 'tunnel', 'audit', '--dir', '.', '-o', 'json');
      const found = wanted(entriesOf(stdout));
      if (found !== undefined) {
        for (const entry of found) note.result(entryText(entry));
        break;
      }
      if (look === 20)
        throw new PosternError('DEMO', 'the audit log does not have both connections', { hint: stdout.slice(0, 2000) });
    }
    const verified = await postern(world, note, 'tunnel', 'audit', 'verify', '--dir', '.');
    note.result(lastLine(verified.stdout || verified.stderr));
  });
}

/** The records of `audit -o json`: a list, each the record itself or an entry that holds it. */
export function entriesOf(stdout: string): Entry[] {
  const list = (parseJson(stdout) ?? []) as ReadonlyArray<Entry & { record?: Entry }>;
  return list.map((entry) => entry.record ?? entry);
}

function entryText(entry: Entry): string {
  const to = `${entry.client ?? '?'} -> ${entry.destination ?? '?'}`;
  const how =
    entry.event === 'connection.close'
      ? `by ${entry.agent} (${entry.resolvedAddress}), rule ${entry.rule}, ${entry.bytesFromAgent} bytes in ${entry.ms} ms`
      : (entry.reason ?? '');
  return `${entry.time ?? ''}  ${entry.event}  ${to}  ${how}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
