import type { Command } from 'commander';
import { durationMsMax, parseDuration, UsageError } from '@postern/core';
import { type OutputFormat, outputOption, printable, printObject } from '../../io/output.ts';

interface ReadOptions {
  readonly dir: string;
  readonly since?: string;
  readonly identity?: string;
  readonly event?: string;
  readonly output: OutputFormat;
}

/** `postern tunnel audit` and `postern tunnel audit verify` */
export function addAudit(tunnel: Command): void {
  const audit = tunnel
    .command('audit')
    .description('read the audit log; `audit verify` checks its hash chain')
    .option('--dir <dir>', "the server's directory")
    .option('--since <duration>', 'only records of the last 1h, 30m, 7d')
    .option('--identity <email>', 'only records about this identity, at either end')
    .option('--event <name>', 'only these: connection.open, session.close, certificate.refuse, ...')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern tunnel audit --dir tunnel --since 1h\n  postern tunnel audit --dir tunnel --event connection.refuse -o json\n  postern tunnel audit verify --dir tunnel\n',
    )
    .action(async (options: ReadOptions, command: Command) => {
      await print({ ...options, dir: directoryOf(command) });
    });
  audit
    .command('verify')
    .description('check the hash chain against itself and against the head kept outside the database')
    .option('--dir <dir>', "the server's directory")
    .addOption(outputOption())
    .action(async (_options: object, command: Command) => {
      const { output } = command.optsWithGlobals<{ output: OutputFormat }>();
      const [{ verifyAudit }, { serverDirectory }] = await Promise.all([
        import('@postern/tunnel-server'),
        import('./directory.ts'),
      ]);
      const result = verifyAudit({ dataDir: serverDirectory(directoryOf(command)).dataDir });
      printObject(result, output, () =>
        result.ok
          ? `the chain holds: ${result.records} records${result.first === undefined ? '' : ` since ${result.first.time}`}, head ${result.head.sequence} ${result.head.hash}\n`
          : `THE LOG HAS BEEN CHANGED\n${result.problems.map((problem) => `  ${problem}\n`).join('')}`,
      );
      if (!result.ok) process.exitCode = 1;
    });
}

/** `audit --dir D verify` and `audit verify --dir D` say the same. */
function directoryOf(command: Command): string {
  const { dir } = command.optsWithGlobals<{ dir?: string }>();
  if (dir === undefined) command.error("error: required option '--dir <dir>' not specified", { exitCode: 2 });
  return dir;
}

/** Records one by one: the log may be larger than memory. JSON is one array with a record a line. */
async function print(options: ReadOptions): Promise<void> {
  const [{ readAudit }, { serverDirectory }, { stringify }] = await Promise.all([
    import('@postern/tunnel-server'),
    import('./directory.ts'),
    import('yaml'),
  ]);
  const sinceMs = options.since === undefined ? durationMsMax : parseDuration(options.since);
  if (sinceMs === undefined)
    throw new UsageError(`--since ${JSON.stringify(options.since)} is not a duration such as 1h or 30m`);
  const { identity, event } = options;
  const records = readAudit({
    dataDir: serverDirectory(options.dir).dataDir,
    sinceMs: Math.max(0, Date.now() - sinceMs),
    ...(identity === undefined ? {} : { identity }),
    ...(event === undefined ? {} : { event }),
  });
  let count = 0;
  for (const { record, sequence, hash } of records) {
    if (options.output === 'json')
      process.stdout.write(`${count === 0 ? '[\n' : ',\n'}${JSON.stringify({ sequence, ...record, hash })}`);
    else if (options.output === 'yaml') process.stdout.write(stringify([{ sequence, ...record, hash }]));
    else process.stdout.write(`${line(record)}\n`);
    count++;
  }
  if (options.output === 'json') process.stdout.write(count === 0 ? '[]\n' : '\n]\n');
  if (options.output === 'yaml' && count === 0) process.stdout.write('[]\n');
}

/** `2026-11-21 00:45:17  connection.refuse  gitserver@acme.example  destination=... reason=DENIED` */
function line({
  time,
  event,
  identity,
  ...fields
}: {
  readonly time: string;
  readonly event: string;
  readonly [field: string]: unknown;
}): string {
  const rest = Object.entries(fields)
    .filter(([name]) => !(name === 'client' && fields[name] === identity))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return printable(
    `${time.replace('T', ' ').slice(0, 19)}  ${event.padEnd(19)} ${typeof identity === 'string' ? identity : '-'}  ${rest.join(' ')}`,
  );
}
