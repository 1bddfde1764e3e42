/** Who is measured, each in front of the same upstream, each with what its makers ship as settings where that is possible. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, findProgram, posternCommand, run, Running } from '@postern/testing';
import { freePort } from '../../test/e2e/dns/world.ts';

export const zone = 'bench.example';
export const privateZone = 'internal.acme.example';
/** Private names, each with a route. */
export const routeCount = 100;
const cacheEntries = 10_000;

export interface Contestant {
  readonly name: string;
  readonly version: string;
  readonly port: number;
  readonly pid: number;
  /** Whether it can answer one name by another. */
  readonly rewrites: boolean;
}

export interface World extends AsyncDisposable {
  readonly upstream: Contestant;
  readonly contestants: readonly Contestant[];
  readonly missing: readonly string[];
}

export async function startWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-dns-'));
  const running: Running[] = [];
  const start = async (port: number, command: string, args: readonly string[]): Promise<number> => {
    const child = new Running(command, args);
    running.push(child);
    await eventually(`${command} on port ${port}`, async () => {
      const { stdout } = await run('dig', ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=2', `probe.${zone}`]);
      return stdout.includes('NOERROR');
    });
    return child.child.pid!;
  };
  const unbound = async (name: string, lines: string): Promise<Contestant> => {
    const port = await freePort();
    const file = join(folder, `${name}.conf`);
    const common = [
      'do-daemonize: no',
      'username: ""',
      'chroot: ""',
      'use-syslog: no',
      'pidfile: ""',
      'num-threads: 1',
    ];
    const settings = [
      `interface: 127.0.0.1@${port}`,
      `directory: "${folder}"`,
      'do-not-query-localhost: no',
      ...common,
    ];
    writeFileSync(file, `server:\n${settings.map((line) => `  ${line}\n`).join('')}${lines}`);
    const pid = await start(port, findProgram('unbound')!, ['-d', '-c', file]);
    return { name, version: await versionOf('unbound', ['-V'], /Version (\S+)/), port, pid, rewrites: false };
  };
  const upstream = await unbound(
    'upstream',
    `  module-config: "iterator"\n  local-zone: "${zone}." redirect\n  local-data: "${zone}. 3600 IN A 10.1.2.3"\n`,
  );
  const contestants: Contestant[] = [await postern(folder, upstream.port, start)];
  const missing: string[] = [];
  if (findProgram('dnsmasq') === undefined) missing.push('dnsmasq');
  else {
    const port = await freePort();
    const options = [
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--pid-file=',
      '--user=root',
    ];
    const address = [
      `--port=${port}`,
      '--listen-address=127.0.0.1',
      '--bind-interfaces',
      `--server=127.0.0.1#${upstream.port}`,
    ];
    // Its default of 150 open questions would be the limit of a larger window. Its default cache (150) holds the 100 names; with a cache
    // of 10,000 it forwards new names at a sixth of this rate, which would flatter us.
    const sizes = ['--dns-forward-max=4096'];
    const pid = await start(port, findProgram('dnsmasq')!, [...options, ...address, ...sizes]);
    const version = await versionOf('dnsmasq', ['--version'], /version (\S+)/);
    contestants.push({ name: 'dnsmasq', version, port, pid, rewrites: false });
  }
  contestants.push(
    await unbound(
      'unbound',
      `  module-config: "iterator"\nforward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@${upstream.port}\n`,
    ),
  );
  return {
    upstream,
    contestants,
    missing,
    async [Symbol.asyncDispose]() {
      for (const child of running) await child[Symbol.asyncDispose]();
    },
  };
}

async function postern(
  folder: string,
  upstreamPort: number,
  start: (port: number, command: string, args: readonly string[]) => Promise<number>,
): Promise<Contestant> {
  const port = await freePort();
  const file = join(folder, 'dns-proxy.yaml');
  const config = {
    apiVersion: 'postern.dev/v1',
    kind: 'DNSProxy',
    listen: `127.0.0.1:${port}`,
    admin: '127.0.0.1:0',
    upstreams: [`127.0.0.1:${upstreamPort}`],
    routes: Array.from({ length: routeCount }, (_, i) => ({
      source: `p${i}.${privateZone}`,
      destination: `r${i}.${zone}`,
    })),
    cache: { entries: cacheEntries },
  };
  writeFileSync(file, JSON.stringify(config)); // YAML reads JSON
  const [node, ...args] = posternCommand;
  const pid = await start(port, node, [...args, 'dns-proxy', '--config', file]);
  return { name: 'postern', version: `Node ${process.versions.node}`, port, pid, rewrites: true };
}

async function versionOf(program: string, args: readonly string[], pattern: RegExp): Promise<string> {
  const { stdout, stderr } = await run(findProgram(program)!, args);
  return pattern.exec(`${stdout}${stderr}`)?.[1] ?? '?';
}

/** Resident memory in MiB. */
export function rssMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Processor time in seconds, of all threads and of children that have ended; the kernel counts in ticks of 10 ms. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** Processor time in seconds: of the whole machine, of all programs on it, and what the host gave to other machines. */
export function machineSeconds(): { readonly all: number; readonly programs: number; readonly stolen: number } {
  const ticks = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.split(/\s+/).slice(1, 9).map(Number);
  const [user = 0, nice = 0, system = 0, , , , , stolen = 0] = ticks;
  return {
    all: ticks.reduce((sum, n) => sum + n, 0) / 100,
    programs: (user + nice + system) / 100,
    stolen: stolen / 100,
  };
}
