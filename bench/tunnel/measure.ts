/** One measurement, and the rounds of all of them: A B C A B C, so that a noisy minute hits everyone. */
import { join } from 'node:path';
import { median } from './figures.ts';
import type { LoadOptions, LoadResult } from './load.ts';
import { cpuSeconds } from './processes.ts';
import type { Contestant, Role, World } from './world.ts';

export interface Settings {
  readonly rounds: number;
  readonly bytes: number;
  readonly messages: number;
  readonly seconds: number;
}

type Unplaced<T> = T extends unknown ? Omit<T, 'port'> : never;

interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly load: Unplaced<LoadOptions>;
}

/** CPU-seconds per GiB, of bulk rows only. */
export type Cpu = Readonly<Partial<Record<Role | 'sum', number>>>;

export interface Row {
  readonly measure: string;
  readonly unit: string;
  readonly program: string;
  readonly value: number;
  readonly cpu: Cpu;
  /** Every round's value, for whoever doubts the median. */
  readonly samples: readonly number[];
  /** Why the row does not count. */
  readonly failure?: string;
}

/** How many connections are open at once where new ones are counted. */
const parallel = 32;
export const warmUpBytes = 2 ** 26;
/** No measurement takes longer; what hangs fails its row. */
const loadTimeoutMs = 180_000;

export function measures({ bytes, messages, seconds }: Settings): readonly Measure[] {
  const bulk = [1, 8].flatMap((streams) =>
    (['down', 'up'] as const).map((kind) => ({
      name: `bulk ${kind}, ${streams} stream${streams === 1 ? '' : 's'}`,
      unit: 'MiB/s',
      load: { kind, streams, bytes },
    })),
  );
  return [
    ...bulk,
    { name: 'round trip of 1 KiB', unit: 'µs', load: { kind: 'round-trip', messages } },
    { name: `new connections, ${parallel} at once`, unit: '/s', load: { kind: 'connections', parallel, seconds } },
  ];
}

/** Uncounted, before the first round and for everyone: a daemon that has run for an hour is compiled, and its caches are warm. */
function warmUps(settings: Settings): readonly Measure[] {
  return measures({ rounds: 1, bytes: Math.min(settings.bytes, warmUpBytes), messages: 100, seconds: 0.25 });
}

interface Sample extends LoadResult {
  readonly cpu: Cpu;
}

async function once(world: World, who: Contestant, measure: Measure): Promise<Sample> {
  const roles = Object.entries(who.pids) as [Role, number][];
  const before = roles.map(([, pid]) => cpuSeconds(pid));
  const options: LoadOptions = { ...measure.load, port: who.port };
  const args = [join(import.meta.dirname, 'load.ts'), JSON.stringify(options)];
  const { code, stdout, stderr } = await world.spawn(process.execPath, args, {
    timeout: loadTimeoutMs,
    killSignal: 'SIGKILL',
  }).finished;
  if (code === null) throw new Error(`no end within ${loadTimeoutMs / 1000} s`);
  if (code !== 0) throw new Error(/^(?:\w*Error): (.*)$/m.exec(stderr)?.[1] ?? stderr.trim().slice(-500));
  const result = JSON.parse(stdout) as LoadResult;
  if (!('bytes' in measure.load) || roles.length === 0) return { ...result, cpu: {} };
  const gibibytes = measure.load.bytes / 2 ** 30;
  const cpu: Partial<Record<Role | 'sum', number>> = { sum: 0 };
  for (const [i, [role, pid]] of roles.entries()) {
    cpu[role] = (cpuSeconds(pid) - before[i]!) / gibibytes;
    cpu.sum! += cpu[role];
  }
  return { ...result, cpu };
}

export async function measureAll(
  world: World,
  contestants: readonly Contestant[],
  settings: Settings,
  say: (text: string) => void,
): Promise<Row[]> {
  for (const who of contestants) {
    say(`warming up ${who.name}`);
    // What fails here fails again where it is counted.
    for (const measure of warmUps(settings)) await once(world, who, measure).catch(() => {});
  }
  const rows: Row[] = [];
  for (const measure of measures(settings)) {
    const samples = new Map<Contestant, Sample[]>(contestants.map((who) => [who, []]));
    const failures = new Map<Contestant, string>();
    for (let round = 1; round <= settings.rounds; round++)
      for (const who of contestants) {
        if (failures.has(who)) continue;
        try {
          const sample = await once(world, who, measure);
          samples.get(who)!.push(sample);
          say(`${measure.name} ${round}/${settings.rounds} ${who.name}: ${sample.value.toFixed(0)} ${measure.unit}`);
        } catch (error) {
          failures.set(who, (error as Error).message);
          say(`${measure.name} ${round}/${settings.rounds} ${who.name}: FAILED: ${(error as Error).message}`);
        }
      }
    for (const who of contestants) rows.push(...rowsOf(measure, who.name, samples.get(who)!, failures.get(who)));
  }
  // Programs beside one another, measure by measure: p50 and p99 of round trips come in pairs.
  const order = [...new Set(rows.map((row) => row.measure))];
  return rows.toSorted((a, b) => order.indexOf(a.measure) - order.indexOf(b.measure));
}

function rowsOf(measure: Measure, program: string, samples: readonly Sample[], failure: string | undefined): Row[] {
  const row = (name: string, values: readonly number[], cpu: Cpu): Row => ({
    measure: name,
    unit: measure.unit,
    program,
    value: failure === undefined ? median(values) : NaN,
    cpu: failure === undefined ? cpu : {},
    samples: values,
    ...(failure === undefined ? {} : { failure }),
  });
  const values = samples.map((sample) => sample.value);
  if (measure.load.kind === 'round-trip') {
    const p99 = samples.map((sample) => sample.p99 ?? NaN);
    return [row(`${measure.name}, p50`, values, {}), row(`${measure.name}, p99`, p99, {})];
  }
  const cpu: Partial<Record<Role | 'sum', number>> = {};
  for (const key of Object.keys(samples[0]?.cpu ?? {}) as (keyof Cpu)[])
    cpu[key] = median(samples.map((sample) => sample.cpu[key]!));
  return [row(measure.name, values, cpu)];
}
