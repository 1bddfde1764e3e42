import { type GoogleDesign, PosternError, type VpnDesign } from '@postern/core';
import { isBroken, merge } from './breakages.ts';
import type { Fault } from './faults.ts';
import { requireVpnLab } from './need.ts';
import { Rig, sweep } from './rig.ts';
import { refusals } from './rules.ts';
import { type LabState, writeState } from './state.ts';
import { cut } from './topology.ts';
import { startTraffic, type Traffic } from './traffic.ts';
import { type TunnelState, up, World } from './world.ts';

/** The rehearsal: bring the VPN up, move HTTP through it, cut one connection, watch the failover. */

/** Seconds, not minutes: on an idle machine 4 tunnels need two. Room for a busy one. */
const upTimeoutMs = 40_000;
/** AWS's hold time is 30 s; then the route goes, and the traffic takes the other connection. */
const failoverTimeoutMs = 60_000;
const trafficTimeoutMs = 15_000;
/** Nothing has come up or changed its trouble for this long: what is seen counts as the outcome. Longer than any retry. */
const settledMs = 12_000;

export interface StepResult {
  readonly step: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly seconds: number;
}

export interface RehearsalOptions {
  readonly design: VpnDesign;
  /** What else the compute endpoint answers for. */
  readonly google?: GoogleDesign | undefined;
  readonly faults: readonly { readonly fault: Fault; readonly tunnel: number }[];
  readonly failover: boolean;
  readonly stateFile: string | undefined;
  readonly signal: AbortSignal;
  readonly startedAt: string;
  /** What is going on, and what has ended. */
  readonly step: (text: string) => void;
  readonly done: (result: StepResult) => void;
  /** Called while everything is up; the world goes when it resolves. */
  readonly hold?: (state: () => Promise<LabState>) => Promise<void>;
}

export interface Rehearsal {
  readonly steps: readonly StepResult[];
  readonly tunnels: readonly TunnelState[];
  readonly seconds: number;
}

export async function rehearse(options: RehearsalOptions): Promise<Rehearsal> {
  requireVpnLab();
  const problems = refusals(options.design);
  if (problems.length > 0)
    throw new PosternError('LAB_REFUSED', `the clouds would refuse this:\n  ${problems.join('\n  ')}`, {
      hint: 'mend the generated stack: postern generate',
    });
  const swept = await sweep();
  if (swept > 0) options.step(`removed ${swept} namespaces that an earlier lab left behind`);
  const design = options.faults.reduce((changed, { fault, tunnel }) => fault.apply(changed, tunnel), options.design);
  const broken = merge(options.faults.map(({ fault, tunnel }) => fault.breaks?.(options.design, tunnel) ?? {}));
  const rig = new Rig();
  try {
    return await new Run(options, new World(rig, design, broken)).all();
  } finally {
    options.step('removing namespaces and daemons');
    await rig.close();
  }
}

class Run {
  readonly #options: RehearsalOptions;
  readonly #world: World;
  readonly #startedMs = performance.now();
  readonly #steps: StepResult[] = [];
  #tunnels: TunnelState[] = [];
  /** The first look: what telemetry that lags still says. */
  #first: TunnelState[] | undefined;

  constructor(options: RehearsalOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  async all(): Promise<Rehearsal> {
    const { signal, faults, failover, hold } = this.#options;
    const cuts = faults.flatMap(({ fault, tunnel }) => fault.cuts?.(this.#world.design, tunnel) ?? []);
    await this.#world.start(signal, this.#options.step, () =>
      cuts.length > 0 ? cut(this.#world.rig, cuts) : Promise.resolve(),
    );
    const traffic = startTraffic(this.#world.rig, this.#world.design);
    const ready = (await this.#bringUp()) && (await this.#moveTraffic(traffic));
    if (ready && failover) await this.#failOver(traffic);
    if (hold !== undefined) await hold(() => this.#state());
    return { steps: this.#steps, tunnels: this.#tunnels, seconds: seconds(this.#startedMs) };
  }

  async #bringUp(): Promise<boolean> {
    const count = this.#world.design.tunnels.length;
    const startedMs = performance.now();
    let changedMs = startedMs;
    let last = '';
    this.#options.step(`waiting for ${count} tunnels and ${count} BGP sessions`);
    const settled = (states: readonly TunnelState[]): boolean => {
      // Not the BGP states between: they alternate for as long as a session fails.
      const now = JSON.stringify(states.map((state) => [state.child, state.trouble, up(state)]));
      if (now !== last) [last, changedMs] = [now, performance.now()];
      return states.every(up) || performance.now() - changedMs > settledMs;
    };
    await this.#until(settled, upTimeoutMs);
    const tunnels = this.#tunnels.filter((state) => state.child).length;
    const sessions = this.#tunnels.filter(up).length;
    this.#done('tunnels up', tunnels === count, `${tunnels} of ${count}${this.#troubles()}`, startedMs);
    const learned = new Set(this.#tunnels.flatMap((state) => state.gcpLearned));
    const told = new Set(this.#tunnels.flatMap((state) => state.awsLearned));
    const detail = `${sessions} of ${count}; Google learned ${list(learned)}, AWS learned ${list(told)}`;
    this.#done('BGP sessions', sessions === count, detail, startedMs);
    return sessions === count;
  }

  #troubles(): string {
    const troubles = this.#tunnels.filter((state) => state.trouble !== 'none');
    return troubles.map((state) => `; ${state.name}: ${state.trouble}`).join('');
  }

  async #moveTraffic(traffic: Traffic): Promise<boolean> {
    const startedMs = performance.now();
    this.#options.step('HTTP from a pod to the customer’s host');
    const before = traffic.ok;
    await this.#until(() => traffic.ok >= before + 5, trafficTimeoutMs);
    const ok = traffic.ok >= before + 5;
    this.#done(
      'HTTP through the tunnels',
      ok,
      ok ? `${traffic.url} answers 200` : `${traffic.url} does not answer`,
      startedMs,
    );
    return ok;
  }

  /** Cuts connection 0; where there is only one, its first tunnel. */
  async #failOver(traffic: Traffic): Promise<void> {
    const { tunnels } = this.#world.design;
    const whole = tunnels.some((tunnel) => tunnel.connection > 0);
    const lost = tunnels.filter((tunnel, i) => (whole ? tunnel.connection === 0 : i === 0));
    const left = tunnels.length - lost.length;
    const what = whole ? 'connection 0' : lost[0]!.name;
    this.#options.step(`cutting ${what}; BGP notices within its hold time of 30 s`);
    const startedMs = performance.now();
    traffic.takeLongestGapMs();
    await cut(
      this.#world.rig,
      lost.map((tunnel) => tunnel.aws.outside),
    );
    await this.#until((states) => states.filter(up).length <= left, failoverTimeoutMs);
    const sessions = this.#tunnels.filter(up).length;
    this.#done(`cut ${what}`, sessions === left, `${sessions} of ${tunnels.length} sessions left`, startedMs);
    const before = traffic.ok;
    const resumeMs = performance.now();
    await this.#until(() => traffic.ok >= before + 5, trafficTimeoutMs);
    const ok = traffic.ok >= before + 5;
    const silence = `longest silence ${(traffic.takeLongestGapMs() / 1000).toFixed(1)} s`;
    this.#done('HTTP after the cut', ok, ok ? `${traffic.url} answers 200; ${silence}` : 'no answer', resumeMs);
  }

  async #until(holds: (states: readonly TunnelState[]) => boolean, timeoutMs: number): Promise<void> {
    const seen = (states: readonly TunnelState[]): void => {
      this.#tunnels = [...states];
      this.#first ??= this.#tunnels;
      this.#save();
    };
    await this.#world.until(holds, { timeoutMs, signal: this.#options.signal, seen });
  }

  async #state(): Promise<LabState> {
    this.#tunnels = await this.#world.observe();
    const { propagated, fixed } = await this.#world.forwarding();
    const state = { ...this.#seen(), propagatedRoutes: propagated, fixedRoutes: fixed };
    if (this.#options.stateFile !== undefined) writeState(this.#options.stateFile, state);
    return state;
  }

  #save(): void {
    const { stateFile } = this.#options;
    if (stateFile !== undefined) writeState(stateFile, this.#seen());
  }

  #seen(): LabState {
    const { design, broken } = this.#world;
    const lags = (i: number): boolean => isBroken(broken, 'stale-telemetry', i);
    return {
      design,
      broken,
      tunnels: this.#tunnels,
      telemetry: this.#tunnels.map((now, i) => (lags(i) ? (this.#first?.[i] ?? now) : now)),
      propagatedRoutes: [],
      fixedRoutes: [],
      startedAt: this.#options.startedAt,
      google: this.#options.google,
    };
  }

  #done(step: string, ok: boolean, detail: string, startedMs: number): void {
    const result = { step, ok, detail, seconds: seconds(startedMs) };
    this.#steps.push(result);
    this.#options.done(result);
  }
}

function seconds(sinceMs: number): number {
  return Math.round((performance.now() - sinceMs) / 100) / 10;
}

function list(items: ReadonlySet<string>): string {
  return items.size === 0 ? 'nothing' : [...items].join(', ');
}
