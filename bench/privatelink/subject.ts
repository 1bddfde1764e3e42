/** The two processes of the run, started as a person would, and what can be read off them. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Running, startPostern } from '@postern/testing';

const startTimeoutMs = 60_000;
const lookEveryMs = 250;

/** What the simulator's journal says of a stretch of time. */
export interface Calls {
  readonly last: number;
  readonly calls: number;
  readonly changes: number;
  readonly errors: number;
  readonly byAction: Readonly<Record<string, number>>;
}

export class Simulator {
  readonly running: Running;
  readonly url: string;

  private constructor(running: Running, url: string) {
    this.running = running;
    this.url = url;
  }

  static async start(children: Running[]): Promise<Simulator> {
    const running = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--quiet']);
    children.push(running);
    return new Simulator(running, (await running.line(/(http:\/\/\S+)/, startTimeoutMs))[1]!);
  }

  async #page<T>(path: string, method = 'GET', body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}/_postern/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} /_postern/${path}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  quotas(quotas: Readonly<Record<string, number>>): Promise<unknown> {
    return this.#page('quotas', 'PUT', quotas);
  }

  /** Every call from now on takes so long. */
  latency(latencyMs: number): Promise<unknown> {
    return this.#page('rules', 'POST', { id: 'latency', effect: { latencyMs } });
  }

  calls(since: number): Promise<Calls> {
    return this.#page(`journal/summary?since=${since}`);
  }

  async count(kind: string): Promise<number> {
    const state = await this.#page<Record<string, unknown[]>>(`state?kind=${kind}`);
    return state[kind]?.length ?? 0;
  }
}

export class ControllerProcess {
  readonly running: Running;
  readonly #admin: string;

  private constructor(running: Running, admin: string) {
    this.running = running;
    this.#admin = admin;
  }

  static async start(children: Running[], args: readonly string[]): Promise<ControllerProcess> {
    const all = ['privatelink', 'controller', '--admin', '127.0.0.1:0', ...args];
    const running = startPostern(all);
    children.push(running);
    return new ControllerProcess(running, (await running.line(/"admin":"([^"]+)"/, startTimeoutMs))[1]!);
  }

  /** Links by state. */
  async states(): Promise<Readonly<Record<string, number>>> {
    const text = await (await fetch(`http://${this.#admin}/metrics`)).text();
    const states: Record<string, number> = {};
    for (const [, state = '', count] of text.matchAll(/^postern_privatelink_links\{.*state="(\w+)".*\} (\d+)$/gm))
      states[state] = (states[state] ?? 0) + Number(count);
    return states;
  }

  /** Waits until all are ready; fails when the process ends, or nothing becomes ready for so long. */
  async ready(clusters: number, stalledMs: number, signal: AbortSignal, say: (text: string) => void): Promise<void> {
    let most = -1;
    let sinceMs = performance.now();
    for (let toldMs = sinceMs; ;) {
      if (this.running.child.exitCode !== null)
        throw new Error(`the controller ended:\n${this.running.stderr.slice(-2000)}`);
      const states = await this.states();
      const { ready = 0 } = states;
      if (ready >= clusters) return;
      const nowMs = performance.now();
      if (ready > most) [most, sinceMs] = [ready, nowMs];
      if (nowMs - sinceMs > stalledMs)
        throw new Error(`no link became ready for ${stalledMs / 1000} s: ${JSON.stringify(states)}`);
      if (nowMs - toldMs > 10_000) {
        toldMs = nowMs;
        say(`${ready} of ${clusters} ready`);
      }
      await delay(lookEveryMs, undefined, { signal });
    }
  }

  /** Resident memory in MiB, now and at its highest; CPU seconds so far. NaN where there is no /proc. */
  usage(): { readonly rssMiB: number; readonly peakMiB: number; readonly cpuSeconds: number } {
    return usageOf(this.running.child.pid);
  }

  async stop(): Promise<void> {
    const { code, stderr } = await this.running.stop();
    if (code !== 0) throw new Error(`the controller ended with ${code}:\n${stderr.slice(-2000)}`);
  }
}

export function usageOf(pid: number | undefined) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mib = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // proc(5): utime and stime, in hundredths of a second on every Linux in use.
    return { rssMiB: mib('VmRSS'), peakMiB: mib('VmHWM'), cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100 };
  } catch {
    return { rssMiB: NaN, peakMiB: NaN, cpuSeconds: NaN };
  }
}
