/** What the contestants share: a target, a scratch directory, and processes that end with the run. */
import type { SpawnOptions } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { eventually, findProgram, run, Running, temporaryDirectory } from '@postern/testing';
import { stopTree } from './processes.ts';
import { encodeHeader, headerBytes } from './wire.ts';

export type Role = 'client' | 'server' | 'agent';

export interface Contestant {
  readonly name: string;
  readonly version: string;
  /** What was set, in a few words. */
  readonly settings: string;
  /** Where the load connects; what comes in ends at the target. */
  readonly port: number;
  /** The processes that carry, with their children; none for the direct path. */
  readonly pids: Readonly<Partial<Record<Role, number>>>;
}

/** A sentence instead of a contestant: what is not there. */
export type Start = (world: World) => Promise<Contestant | string>;

export class World implements AsyncDisposable {
  readonly #scratch = temporaryDirectory();
  readonly #owned: (() => Promise<void>)[] = [];
  #closed = false;
  targetPort = 0;

  /** Ended or interrupted: what is measured from then on says nothing. */
  get closed(): boolean {
    return this.#closed;
  }

  get dir(): string {
    return this.#scratch.path;
  }

  file(name: string, text: string, mode = 0o600): string {
    const path = join(this.dir, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  /** Something that ends with the run; the last one first. */
  own(dispose: () => Promise<void>): void {
    this.#owned.push(dispose);
  }

  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): Running {
    if (this.#closed) throw new Error('the run is over');
    const running = new Running(findProgram(command) ?? command, args, options);
    this.own(() => stopTree(running));
    return running;
  }

  async startTarget(): Promise<void> {
    const target = this.spawn(process.execPath, [join(import.meta.dirname, 'target.ts')]);
    this.targetPort = Number((await target.line(/port (\d+)/))[1]);
  }

  /** Until a message comes back over the whole path; a process that ends meanwhile is named with what it said. */
  async carrying(port: number, processes: readonly Running[] = []): Promise<void> {
    await eventually(`a path over port ${port}`, () => echoes(port)).catch((error: unknown) => {
      const said = processes.map(({ child, stderr }) => `${child.spawnargs[0]}: ${stderr.slice(-500)}`).join('\n');
      throw new Error(`${String(error)}\n${said}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const dispose of this.#owned.splice(0).toReversed()) await dispose();
    this.#scratch[Symbol.dispose]();
  }
}

function echoes(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1000 });
    const settle = (came: boolean): void => {
      resolve(came);
      socket.destroy();
    };
    socket.once('data', () => settle(true));
    for (const event of ['error', 'timeout', 'close'] as const) socket.once(event, () => settle(false));
    socket.write(Buffer.concat([encodeHeader('echo'), Buffer.alloc(headerBytes)]));
  });
}

/** Ports for programs that cannot report the one they got. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** What a program says of its version, on either stream. */
export async function versionOf(command: string, args: readonly string[], pattern: RegExp): Promise<string> {
  const { stdout, stderr } = await run(findProgram(command)!, args);
  return pattern.exec(stdout + stderr)?.[1] ?? 'unknown';
}
