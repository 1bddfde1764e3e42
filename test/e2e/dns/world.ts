/** Real resolvers and the real proxy, each on a free port of loopback, for the tests beside this file. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, findProgram, Running, run, startPostern, temporaryDirectory } from '@postern/testing';
import { stringify } from 'yaml';

/** A port that is free for UDP and TCP on loopback. */
export async function freePort(): Promise<number> {
  for (;;) {
    const udp = createSocket('udp4');
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    const { port } = udp.address();
    const tcp = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      tcp.once('error', () => resolve(false));
      tcp.listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => udp.close(() => resolve(undefined)));
    if (!isFree) continue;
    await new Promise((resolve) => tcp.close(resolve));
    return port;
  }
}

export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly running: Running;
}

/**
 * An unbound that knows the given lines (`local-zone`, `local-data`) and a zone, and nothing else. Aliases are followed only within a
 * zone, not within local data.
 */
export async function startUnbound(
  lines: readonly string[],
  zone?: { readonly zone: string; readonly records: string },
  clauses = '',
): Promise<Server> {
  const dir = temporaryDirectory();
  const port = await freePort();
  const file = join(dir.path, 'unbound.conf');
  const settings = [
    `interface: 127.0.0.1@${port}`,
    'do-daemonize: no',
    'username: ""',
    'chroot: ""',
    'use-syslog: no',
    'pidfile: ""',
    'num-threads: 1',
    'rrset-roundrobin: no',
    'module-config: "iterator"',
    `directory: "${dir.path}"`,
    'do-not-query-localhost: no',
    ...lines,
  ];
  const zoneFile = join(dir.path, 'zone');
  if (zone !== undefined) writeFileSync(zoneFile, `$ORIGIN ${zone.zone}.\n${zone.records}`);
  const authority = zone === undefined ? '' : `auth-zone:\n  name: "${zone.zone}."\n  zonefile: "${zoneFile}"\n`;
  writeFileSync(file, `server:\n${settings.map((line) => `  ${line}\n`).join('')}${authority}${clauses}`);
  const running = new Running(findProgram('unbound')!, ['-d', '-c', file]);
  await eventually('unbound answers', async () => {
    const reply = await dig(['localhost', 'A'], port);
    return reply.stdout.includes('status:');
  });
  return {
    port,
    running,
    async [Symbol.asyncDispose]() {
      await running.stop();
      dir[Symbol.dispose]();
    },
  };
}

/** A dnsmasq with the given options, which asks nobody it is not told of. */
export async function startDnsmasq(options: readonly string[]): Promise<Server> {
  const port = await freePort();
  const running = new Running(findProgram('dnsmasq')!, [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    `--port=${port}`,
    '--listen-address=127.0.0.1',
    '--bind-interfaces',
    '--no-resolv',
    '--no-hosts',
    '--pid-file=',
    '--user=root',
    ...options,
  ]);
  await eventually('dnsmasq answers', async () => (await dig(['probe.invalid', 'A'], port)).stdout.includes('status:'));
  return { port, running, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

export interface Proxy extends AsyncDisposable {
  readonly port: number;
  readonly admin: string;
  readonly file: string;
  readonly folder: string;
  readonly running: Running;
  /** Replaces parts of the configuration file. */
  write(change: object): void;
}

/** `postern dns-proxy` with this configuration; listen and admin are free ports of loopback unless given. */
export async function startProxy(config: object, env: NodeJS.ProcessEnv = {}): Promise<Proxy> {
  const dir = temporaryDirectory();
  const file = join(dir.path, 'dns-proxy.yaml');
  const whole = {
    apiVersion: 'postern.dev/v1',
    kind: 'DNSProxy',
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    ...config,
  };
  const write = (change: object): void => writeFileSync(file, stringify({ ...whole, ...change }));
  write({});
  const running = startPostern(['dns-proxy', '--config', file], { env: { ...process.env, ...env } });
  const [, listen = ''] = await running.line(/"listen":"([^"]+)".*"ready"/);
  const admin = /"admin":"([^"]+)"/.exec(running.stderr)?.[1] ?? '';
  return {
    port: Number(listen.split(':').at(-1)),
    admin: `http://${admin}`,
    file,
    folder: dir.path,
    running,
    write,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

/** dig with one try and short patience, so that what it prints is this one answer. */
export function dig(args: readonly string[], port: number): ReturnType<typeof run> {
  return run('dig', ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=5', '+noidnin', ...args]);
}

/** The records of the answer section as `name TYPE data`. */
export function answersOf(output: string): string[] {
  const section = /;; ANSWER SECTION:\n([\s\S]*?)\n\n/.exec(output)?.[1] ?? '';
  return section
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\t+/g, ' ').replace(/^(\S+) +\d+ +IN +/, '$1 '));
}

export function statusOf(output: string): string | undefined {
  return /status: (\w+)/.exec(output)?.[1];
}
