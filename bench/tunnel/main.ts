/**
 * `npm run bench:tunnel [-- --rounds 5 --bytes 512MiB --only postern,haproxy --json FILE --quick]`: the tunnel beside direct TCP, OpenSSH,
 * HAProxy, nginx and stunnel, two encrypted legs each, in turns (A B C A B C), medians over the rounds. Everything runs on loopback of one
 * machine: only the ratios mean anything.
 */
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { contestants } from './contestants.ts';
import { parseBytes } from './figures.ts';
import { measureAll, type Settings, warmUpBytes } from './measure.ts';
import { ratioTo, report } from './report.ts';
import { type Contestant, World } from './world.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function refuse(sentence: string): never {
  say(`bench:tunnel: ${sentence}`);
  process.exit(2);
}

interface Wish {
  readonly settings: Settings;
  readonly names: readonly string[];
  readonly json: string | undefined;
}

function parse(): Wish {
  const string = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { rounds: string, bytes: string, only: string, json: string, quick: { type: 'boolean', default: false } },
  });
  const { quick } = values;
  const rounds = Number(values.rounds ?? (quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) refuse('--rounds takes a number from 1 to 100');
  const bytes = parseBytes(values.bytes ?? (quick ? '64MiB' : '512MiB'));
  if (bytes === undefined || bytes < 2 ** 20 || bytes > 2 ** 36)
    refuse('--bytes takes a size from 1MiB to 64GiB, such as 512MiB');
  const names = values.only?.split(',') ?? Object.keys(contestants);
  const unknown = names.filter((name) => !Object.hasOwn(contestants, name));
  if (unknown.length > 0)
    refuse(`--only knows ${Object.keys(contestants).join(', ')}; it does not know ${unknown.join(', ')}`);
  const settings = { rounds, bytes, messages: quick ? 1000 : 5000, seconds: quick ? 0.5 : 2 };
  return { settings, names, json: values.json };
}

async function start(world: World, names: readonly string[], skipped: Record<string, string>): Promise<Contestant[]> {
  await world.startTarget();
  const able: Contestant[] = [];
  for (const name of names) {
    const one = await contestants[name]!(world);
    if (typeof one !== 'string') able.push(one);
    else {
      skipped[name] = one;
      say(`bench:tunnel: SKIPPED ${name}: ${one}`);
    }
  }
  return able;
}

async function bench(world: World, { settings, names, json }: Wish): Promise<boolean> {
  const skipped: Record<string, string> = {};
  starting = start(world, names, skipped);
  const able = await starting;
  const rows = await measureAll(world, able, settings, say);
  if (world.closed) return false;
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model, kernel: release(), node: process.versions.node };
  const { rounds, bytes, messages, seconds } = settings;
  process.stdout.write(`
${machine.cores} cores, ${machine.cpu}; Linux ${machine.kernel}; Node ${machine.node}
${rounds} round${rounds === 1 ? '' : 's'}, ${bytes / 2 ** 20} MiB a bulk run, ${messages} round trips, ${seconds} s of connections; before them, uncounted, each kind once with up to ${warmUpBytes / 2 ** 20} MiB
${able.map((one) => `${one.name} ${one.version}: ${one.settings}\n`).join('')}\
${Object.entries(skipped)
  .map(([name, why]) => `SKIPPED ${name}: ${why}\n`)
  .join('')}
${report(rows)}`);
  if (json !== undefined) {
    const programs = able.map(({ name, version, settings: set }) => ({ name, version, settings: set }));
    const full = rows.map((row) => ({
      ...row,
      posternRatio: ratioTo(rows, row, (one) => one.value),
      posternCpuRatio: ratioTo(rows, row, (one) => one.cpu.sum),
    }));
    const document = { time: new Date().toISOString(), machine, settings, programs, skipped, rows: full };
    writeFileSync(json, `${JSON.stringify(document, undefined, 2)}\n`);
  }
  return rows.every((row) => row.failure === undefined);
}

const wish = parse();
const world = new World();
let starting: Promise<Contestant[]> = Promise.resolve([]);
// Not before all that is being started is known: a half-started daemon would stay behind.
async function interrupted(): Promise<never> {
  await starting.catch(() => {});
  await world[Symbol.asyncDispose]();
  process.exit(130);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupted());
try {
  process.exitCode = (await bench(world, wish)) ? 0 : 1;
} finally {
  await world[Symbol.asyncDispose]();
}
