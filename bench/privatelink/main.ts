/**
 * `npm run bench:privatelink [-- --clusters 1000 --latency 50ms --steady 2m --resync 1m --workers N --json FILE]`: so many clusters
 * to Ready against the AWS simulator with calls that take so long; then a cold restart, and a stretch of steady state. Calls are
 * counted by the simulator, and held against those that Hive's documented algorithm makes (hive-calls.ts).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parseDuration } from '@postern/core';
import { repositoryRoot, type Running } from '@postern/testing';
import { countCalls, hiveCreate, type HiveCase, hiveResyncMinutes, hiveSync } from './hive-calls.ts';
import { report, type Results } from './report.ts';
import { stage } from './stage.ts';
import { ControllerProcess, Simulator, usageOf } from './subject.ts';

const say = (text: string): void => void process.stderr.write(`bench:privatelink: ${text}\n`);

function refuse(sentence: string): never {
  say(sentence);
  process.exit(2);
}

function parse() {
  const string = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { clusters: string, latency: string, steady: string, resync: string, workers: string, json: string },
  });
  const duration = (name: 'latency' | 'steady' | 'resync', usual: string): number =>
    parseDuration(values[name] ?? usual) ?? refuse(`--${name} takes a duration such as ${usual}`);
  const clusters = Number(values.clusters ?? 1000);
  // 255 inventory VPCs of 50 endpoints would be the end of 10.0.0.0/8 here.
  if (!Number.isInteger(clusters) || clusters < 1 || clusters > 10_000) refuse('--clusters takes 1 to 10000');
  const workers = values.workers === undefined ? undefined : Number(values.workers);
  if (workers !== undefined && (!Number.isInteger(workers) || workers < 1)) refuse('--workers takes a number from 1');
  return {
    clusters,
    workers,
    latencyMs: duration('latency', '50ms'),
    steadyMs: duration('steady', '2m'),
    resyncMs: duration('resync', '1m'),
    perAccount: 20,
    endpointsPerVpc: 50,
    json: values.json ?? join(repositoryRoot, 'scratch/bench-privatelink.json'),
  };
}

/** Nothing at all becomes ready for so long: something is wrong. */
const stalledMs = 120_000;
const hiveCase: HiveCase = { recordType: 'Alias', ownVpcs: 1, foreignVpcs: 0 };

/** How often anything was written to the store. */
function storeVersion(folder: string): number {
  const db = new DatabaseSync(join(folder, '.postern/state.db'), { readOnly: true });
  try {
    return Number(db.prepare('SELECT max(version) AS version FROM object').get()?.['version']);
  } finally {
    db.close();
  }
}

async function bench(wish: ReturnType<typeof parse>, folder: string, signal: AbortSignal): Promise<Results> {
  const { clusters, latencyMs, steadyMs, resyncMs, perAccount } = wish;
  const simulator = await Simulator.start(children);
  await simulator.quotas({ hostedZonesPerAccount: clusters + 500 });
  const { vpcs, customers } = await stage(simulator.url, folder, wish, signal);
  await simulator.latency(latencyMs);
  say(`staged ${clusters} clusters of ${customers} customers, ${vpcs} VPCs in the inventory`);
  const args = ['--resources', folder, '--aws-endpoint', simulator.url, '--log-level', 'warn'];
  if (wish.workers !== undefined) args.push('--workers', String(wish.workers));

  const run = async (more: readonly string[]) => {
    const { last } = await simulator.calls(0);
    const simulatorBefore = usageOf(simulator.running.child.pid).cpuSeconds;
    const startedMs = performance.now();
    const controller = await ControllerProcess.start(children, [...args, '--log-level', 'info', ...more]);
    await controller.ready(clusters, stalledMs, signal, say);
    const wallSeconds = (performance.now() - startedMs) / 1000;
    const calls = await simulator.calls(last);
    const simulatorCpuSeconds = usageOf(simulator.running.child.pid).cpuSeconds - simulatorBefore;
    return { controller, figures: { wallSeconds, calls, ...controller.usage(), simulatorCpuSeconds } };
  };

  const first = await run([]);
  say(`all ready after ${first.figures.wallSeconds.toFixed(1)} s`);
  const made = {
    services: await simulator.count('vpc-endpoint-service'),
    endpoints: await simulator.count('vpc-endpoint'),
    zones: await simulator.count('hosted-zone'),
  };
  await first.controller.stop();

  const versionBefore = storeVersion(folder);
  const second = await run(['--resync', `${resyncMs}ms`]);
  say(`all ready again after a cold restart of ${second.figures.wallSeconds.toFixed(1)} s`);
  const { last } = await simulator.calls(0);
  const cpuBefore = second.controller.usage().cpuSeconds;
  const beganMs = performance.now();
  await delay(steadyMs, undefined, { signal });
  const steadySeconds = (performance.now() - beganMs) / 1000;
  const steadyCalls = await simulator.calls(last);
  const usage = second.controller.usage();
  await second.controller.stop();
  return {
    settings: { clusters, latencyMs, resyncMs, steadyMs, perAccount, vpcs, customers, workers: wish.workers },
    create: { ...first.figures, made },
    restart: second.figures,
    steady: { seconds: steadySeconds, calls: steadyCalls, ...usage, cpuSeconds: usage.cpuSeconds - cpuBefore },
    storeWrites: storeVersion(folder) - versionBefore,
    hive: {
      case: hiveCase,
      create: countCalls(hiveCreate, hiveCase),
      sync: countCalls(hiveSync, hiveCase),
      resyncMinutes: hiveResyncMinutes,
    },
  };
}

const wish = parse();
const children: Running[] = [];
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
try {
  const results = await bench(wish, folder, interrupt.signal);
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model, kernel: release(), node: process.versions.node };
  const { text, passed } = report(results);
  process.stdout.write(
    `${machine.cores} cores, ${machine.cpu}; Linux ${machine.kernel}; Node ${machine.node}\n${text}written to ${wish.json}\n`,
  );
  mkdirSync(dirname(wish.json), { recursive: true });
  const document = {
    time: new Date().toISOString(),
    machine,
    ...results,
    hiveSteps: { create: hiveCreate, sync: hiveSync },
  };
  writeFileSync(wish.json, `${JSON.stringify(document, undefined, 2)}\n`);
  process.exitCode = passed ? 0 : 1;
} catch (error) {
  if (!interrupt.signal.aborted) throw error;
  say('interrupted: nothing is reported');
  process.exitCode = 130;
} finally {
  for (const child of children) await child[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}
