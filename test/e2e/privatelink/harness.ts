/** Simulator, store and controller in one process, on a clock that runs fast: for suites that need hundreds of lives. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@postern/core';
import { type AwsSimulator, startAwsSimulator } from '@postern/lab/aws';
import { FilesStore } from '@postern/resources';
import { privateLinkKinds } from '../../../packages/privatelink/src/kinds/index.ts';
import type { CallNews, CallObserver } from '../../../packages/privatelink/src/providers/aws/clients.ts';
import { readStatus } from '../../../packages/privatelink/src/status.ts';
import { Controller, type ControllerOptions } from '../../../packages/privatelink/src/reconcile/controller.ts';

/** A second of AWS's and the controller's waits takes ten milliseconds. */
const speed = 100;

export function fastClock(): Clock {
  const startMs = Date.now();
  const zeroMs = performance.now();
  const passedMs = (): number => (performance.now() - zeroMs) * speed;
  return {
    now: () => startMs + passedMs(),
    monotonic: passedMs,
    sleep: (ms, signal) => delay(ms / speed, undefined, signal === undefined ? {} : { signal }),
  };
}

export const clock = fastClock();

export function startSimulator(): Promise<AwsSimulator> {
  return startAwsSimulator({ now: () => clock.now() });
}

/** The controller is killed here: no answer, no write, nothing after. */
export class Killed extends Error {}

/** Ends the world after call n (counted from 1), when AWS has done it and nobody has heard. */
export function killAfter(n: number): CallObserver & { readonly calls: () => number } {
  let calls = 0;
  let dead = false;
  return {
    before() {
      if (dead) throw new Killed();
    },
    after() {
      if (dead || ++calls < n) return;
      dead = true;
      throw new Killed();
    },
    calls: () => calls,
  };
}

export function recording(): CallObserver & { readonly news: CallNews[] } {
  const news: CallNews[] = [];
  return { news, before: (call) => void news.push(call) };
}

export interface RunOptions extends Partial<Omit<ControllerOptions, 'store' | 'awsEndpoint'>> {
  readonly confirmPrune?: boolean;
  readonly timeoutMs?: number;
  /** Where the speed of the machine must not count a hundredfold. */
  readonly clock?: Clock;
}

export interface Lived {
  readonly verdicts: ReturnType<Controller['verdicts']>;
  readonly killed: boolean;
}

/** One life of a controller over a folder: until everything is settled, or it is killed. */
export async function runOnce(folder: string, url: string, options: RunOptions = {}): Promise<Lived> {
  const { confirmPrune = false, timeoutMs = 15_000, clock: time = clock, ...rest } = options;
  const store = await FilesStore.open({ folder, kinds: privateLinkKinds, clock: time, confirmPrune });
  const controller = new Controller({ store, clock: time, random: Math.random, awsEndpoint: url, ...rest });
  try {
    await controller.run(AbortSignal.timeout(timeoutMs), true);
    return { verdicts: controller.verdicts(), killed: false };
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return { verdicts: [], killed: true };
  } finally {
    controller.close();
    await store.close();
  }
}

/** A controller that goes on until it is disposed of. */
export async function running(folder: string, url: string, options: RunOptions = {}) {
  const { confirmPrune = false, timeoutMs: _unused, clock: time = clock, ...rest } = options;
  const store = await FilesStore.open({ folder, kinds: privateLinkKinds, clock: time, confirmPrune });
  const controller = new Controller({ store, clock: time, random: Math.random, awsEndpoint: url, ...rest });
  const stop = new AbortController();
  const ended = controller.run(stop.signal);
  return {
    store,
    controller,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      controller.close();
      await store.close();
    },
  };
}

/** The one condition of a link, out of the store's state as `status` reads it. */
export async function conditionOf(folder: string, name: string, type = 'AWSPrivateLinkReady') {
  const report = await readStatus({ source: { kind: 'files', folder }, clock, random: Math.random });
  const link = report.links.find(({ metadata }) => metadata.name === name);
  const condition = link?.status.conditions?.find((known) => known.type === type);
  return { status: condition?.status ?? 'absent', reason: condition?.reason ?? '', message: condition?.message ?? '' };
}

/** The changes that a stretch of work made in AWS, by action. */
export async function changesDuring(simulator: AwsSimulator, work: () => Promise<unknown>): Promise<string[]> {
  const from = simulator.journal().at(-1)?.seq ?? 0;
  await work();
  return simulator
    .journal(from)
    .filter(({ changes, error }) => changes && error === undefined)
    .map(({ action }) => action);
}
