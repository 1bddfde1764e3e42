/**
 * `npm run bench:dns [-- --rounds 5 --seconds 4 --rate N --json FILE --soak 5000000]`: the dns-proxy beside dnsmasq and unbound, in
 * turns (A B C A B C), medians over the rounds. Only the ratios mean anything on a shared machine. Latencies are taken at half of dnsmasq's
 * forwarded rate, or at `--rate`. `--soak N` sends N questions to the proxy alone and reports its memory on the way.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { need, run } from '@postern/testing';
import {
  type Contestant,
  cpuSeconds,
  machineSeconds,
  privateZone,
  routeCount,
  rssMiB,
  startWorld,
  zone,
} from './contestants.ts';
import type { LoadOptions, LoadResult } from './load.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    window: { type: 'string', default: '64' },
    rate: { type: 'string' },
    json: { type: 'string' },
    soak: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const window = Number(values.window);

type Kind = 'forwarded' | 'cached' | 'rewritten';
const kinds: readonly Kind[] = ['forwarded', 'cached', 'rewritten'];
const questions: Readonly<Record<Kind, Pick<LoadOptions, 'names' | 'prefix' | 'zone'>>> = {
  forwarded: { names: 'unique', prefix: 'u', zone },
  cached: { names: routeCount, prefix: 'c', zone },
  rewritten: { names: routeCount, prefix: 'p', zone: privateZone },
};

interface Sample extends LoadResult {
  readonly cpuMicrosPerQuery: number;
  /** Of this machine's processor time, what its host and programs that are no part of this took meanwhile. */
  readonly foreign: number;
}

async function load(options: LoadOptions): Promise<LoadResult> {
  const { code, stdout, stderr } = await run(process.execPath, [
    join(import.meta.dirname, 'load.ts'),
    JSON.stringify(options),
  ]);
  if (code !== 0) throw new Error(`the load ended with ${code}:\n${stderr}`);
  return JSON.parse(stdout) as LoadResult;
}

async function measure(who: Contestant, kind: Kind, how: Pick<LoadOptions, 'window' | 'rate'>): Promise<Sample> {
  const ours = (): number => [who.pid, world.upstream.pid, process.pid].reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const [before, oursBefore, machineBefore] = [cpuSeconds(who.pid), ours(), machineSeconds()];
  const result = await load({ port: who.port, ...questions[kind], ...how, seconds });
  const cpuMicrosPerQuery = ((cpuSeconds(who.pid) - before) * 1e6) / Math.max(1, result.answered);
  const machine = machineSeconds();
  const others = machine.programs - machineBefore.programs - (ours() - oursBefore);
  const foreign = (machine.stolen - machineBefore.stolen + Math.max(0, others)) / (machine.all - machineBefore.all);
  return { ...result, cpuMicrosPerQuery, foreign };
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
const say = (text: string): void => void process.stderr.write(`${text}\n`);

interface Row {
  readonly kind: Kind;
  readonly program: string;
  readonly queriesPerSecond: number;
  /** Of dnsmasq's in the same run. */
  ratio: number | undefined;
  p50Ms: number;
  p99Ms: number;
  /** What of the p99 is the load's own lateness. */
  lateMs: number;
  /** The worst round's. */
  foreign: number;
  readonly cpuMicrosPerQuery: number;
  rssMiB: number;
  /** Of all questions: without an answer, or with an error or an empty one. */
  readonly lost: number;
  readonly wrong: number;
}

async function compare(contestants: readonly Contestant[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of kinds) {
    const able = contestants.filter((who) => kind !== 'rewritten' || who.rewrites);
    const samples = new Map<Contestant, Sample[]>(able.map((who) => [who, []]));
    for (let round = 0; round < rounds; round++)
      for (const who of able) {
        const sample = await measure(who, kind, { window });
        samples.get(who)!.push(sample);
        say(`${kind} ${round + 1}/${rounds} ${who.name}: ${sample.queriesPerSecond} queries/s`);
      }
    for (const [who, list] of samples)
      rows.push({
        kind,
        program: who.name,
        queriesPerSecond: median(list.map((s) => s.queriesPerSecond)),
        ratio: undefined,
        p50Ms: NaN,
        p99Ms: NaN,
        lateMs: NaN,
        foreign: NaN,
        cpuMicrosPerQuery: median(list.map((s) => s.cpuMicrosPerQuery)),
        rssMiB: rssMiB(who.pid),
        lost: list.reduce((sum, s) => sum + Math.max(0, s.sent - s.answered - window), 0),
        wrong: list.reduce((sum, s) => sum + s.wrong, 0),
      });
  }
  for (const row of rows) {
    const other = rows.find((one) => one.program === 'dnsmasq' && one.kind === row.kind);
    if (other !== undefined) row.ratio = row.queriesPerSecond / other.queriesPerSecond;
  }
  return rows;
}

/** The most that others may take of a round: a p99 is made of one question in a hundred. The counting itself errs by half of this. */
const foreignMax = 0.02;

/**
 * A round in which others had the processors says how they did that, and nothing about a server: it is measured again, for all of
 * them, and the calmest of at most twice as many rounds count.
 */
async function calmRounds(able: readonly Contestant[], kind: Kind, rate: number): Promise<Sample[][]> {
  const taken: Sample[][] = [];
  const unrest = (round: readonly Sample[]): number => Math.max(...round.map((sample) => sample.foreign));
  while (taken.length < 2 * rounds && taken.filter((round) => unrest(round) <= foreignMax).length < rounds) {
    const round: Sample[] = [];
    for (const who of able) round.push(await measure(who, kind, { rate }));
    taken.push(round);
  }
  if (taken.length > rounds)
    say(`${kind}: ${taken.length} rounds measured, the ${rounds} in which others took least count`);
  return taken.toSorted((a, b) => unrest(a) - unrest(b)).slice(0, rounds);
}

/** At half of the rate at which dnsmasq forwards. */
async function latencies(contestants: readonly Contestant[], rows: readonly Row[]): Promise<number> {
  const reference = rows.find((row) => row.program === 'dnsmasq' && row.kind === 'forwarded') ?? rows[0]!;
  const rate = values.rate === undefined ? Math.round(reference.queriesPerSecond / 2) : Number(values.rate);
  for (const kind of kinds) {
    const able = contestants.filter((who) => rows.some((row) => row.program === who.name && row.kind === kind));
    const calmest = await calmRounds(able, kind, rate);
    for (const [i, who] of able.entries()) {
      const list = calmest.map((round) => round[i]!);
      const row = rows.find((one) => one.program === who.name && one.kind === kind)!;
      row.p50Ms = median(list.map((s) => s.p50Ms));
      row.p99Ms = median(list.map((s) => s.p99Ms));
      row.rssMiB = Math.max(row.rssMiB, rssMiB(who.pid));
      row.lateMs = median(list.map((s) => s.lateP99Ms));
      row.foreign = Math.max(...list.map((s) => s.foreign));
      say(`${kind} at ${rate}/s ${who.name}: p99 ${list.map((s) => s.p99Ms).join(', ')} ms`);
    }
  }
  return rate;
}

async function soak(who: Contestant, total: number): Promise<{ asked: number; rssMiB: number }[]> {
  const points: { asked: number; rssMiB: number }[] = [];
  const steps = 10;
  for (let step = 1; step <= steps; step++) {
    // Three in four are new names, the rest cached and rewritten: everything that could grow gets its share.
    const share = Math.ceil(total / steps / 4);
    await load({ port: who.port, ...questions.forwarded, prefix: `s${step}-`, questions: 2 * share, window });
    await load({ port: who.port, ...questions.cached, names: 20_000, questions: share, window });
    await load({ port: who.port, ...questions.rewritten, questions: share, window });
    points.push({ asked: step * share * 4, rssMiB: rssMiB(who.pid) });
    say(`${step * share * 4} questions: ${points.at(-1)!.rssMiB.toFixed(1)} MiB`);
  }
  return points;
}

function cell(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);
}

const lacking = need('unbound', 'dig');
if (lacking !== false) {
  say(`bench:dns ${lacking}`);
  process.exit(1);
}
await using world = await startWorld();
for (const name of world.missing) say(`bench:dns: ${name} is not installed, its rows are left out`);
const settings = { rounds, seconds, window, cores: cpus().length, cpu: cpus()[0]?.model, node: process.versions.node };
if (values.soak !== undefined) {
  const points = await soak(world.contestants[0]!, Number(values.soak));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ settings, points }, undefined, 2)}\n`);
} else {
  const rows = await compare(world.contestants);
  const latencyRate = await latencies(world.contestants, rows);
  const programs = [...world.contestants, world.upstream].map(({ name, version }) => `${name} ${version}`);
  process.stdout.write(
    `${settings.cores} cores, ${settings.cpu}; ${programs.join(', ')}; window ${window}, ${rounds} rounds of ${seconds} s\n`,
  );
  process.stdout.write(
    `latency at ${latencyRate} queries/s, timed from when each question was due; late: the p99 of the load's own lateness; others: what the host and\nother programs had of the processors in the worst round\n\n`,
  );
  const widths = [10, 9, 10, 9, 8, 8, 8, 9, 10, 8, 6, 6];
  const line = (cells: readonly string[]) =>
    process.stdout.write(`${cells.map((c, i) => (i < 2 ? c.padEnd(widths[i]!) : c.padStart(widths[i]!))).join(' ')}\n`);
  const heads = [
    'queries/s',
    'x dnsmasq',
    'p50 ms',
    'p99 ms',
    'late ms',
    'others %',
    'µs/query',
    'RSS MiB',
    'lost',
    'wrong',
  ];
  line(['kind', 'program', ...heads]);
  for (const row of rows) {
    const numbers = [row.queriesPerSecond.toFixed(0), cell(row.ratio, 2), cell(row.p50Ms, 2), cell(row.p99Ms, 2)];
    const noise = [cell(row.lateMs, 2), cell(row.foreign * 100, 1)];
    line([
      row.kind,
      row.program,
      ...numbers,
      ...noise,
      cell(row.cpuMicrosPerQuery, 1),
      cell(row.rssMiB, 1),
      String(row.lost),
      String(row.wrong),
    ]);
  }
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ settings, programs, latencyRate, rows }, undefined, 2)}\n`);
}
