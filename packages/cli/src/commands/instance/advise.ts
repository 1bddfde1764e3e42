import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import type { Advice, Facts } from '@postern/infra/advise';
import { type OutputFormat, outputOption, printObject, table } from '../../io/output.ts';

const yesNo = (flags: string, text: string): Option => new Option(`${flags} <answer>`, text).choices(['yes', 'no']);

/** `postern instance advise`: which path fits, and why not the others. */
export function registerAdvise(instance: Command): void {
  instance
    .command('advise')
    .description('which path fits a private host, and why not the others; asks what no option says')
    .addOption(
      new Option('--location <where>', 'where the host runs').choices(['aws', 'gcp', 'azure', 'on-prem', 'other']),
    )
    .addOption(yesNo('--public', 'it may be public if only our addresses are let in'))
    .addOption(yesNo('--load-balancer', 'a Network Load Balancer and an endpoint service can be made'))
    .addOption(yesNo('--join-networks', 'both networks may be joined by routing'))
    .addOption(yesNo('--overlap', 'the address ranges overlap'))
    .addOption(yesNo('--agent', 'an agent may run near the host and dial out'))
    .addOption(yesNo('--other-than-tcp', 'something other than TCP is needed'))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern instance advise\n  postern instance advise --public no --location on-prem --agent yes --other-than-tcp no\n  postern instance advise --location aws --public no -o json\n',
    )
    .action(async ({ output, ...flags }: { output: OutputFormat } & Facts) => {
      const { advise } = await import('@postern/infra/advise');
      const facts = process.stdin.isTTY && output === 'table' ? await ask(flags) : flags;
      printObject({ facts, ...advise(facts) }, output, () => describe(advise(facts)));
    });
}

/** Asks only what could still change the advice; an empty answer leaves that fact unknown. */
async function ask(known: Facts): Promise<Facts> {
  const { nextQuestion, questions } = await import('@postern/infra/advise');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const skipped = new Set<keyof Facts>();
  let facts = known;
  try {
    for (let fact = nextQuestion(facts, skipped); fact !== undefined; fact = nextQuestion(facts, skipped)) {
      const { text, answers } = questions[fact];
      const line = await terminal.question(`${text} (${answers.join('/')}, empty: not known) `);
      const given = line.trim().toLowerCase();
      const answer = answers.find((item) => item.startsWith(given));
      if (given === '') skipped.add(fact);
      else if (answer !== undefined) facts = { ...facts, [fact]: answer };
    }
    return facts;
  } finally {
    terminal.close();
  }
}

const words = { fits: 'fits', open: 'depends', no: 'no' } as const;

function describe({ recommended, paths, next, unknown }: Advice): string {
  const rows = table(paths, {
    path: ({ path }) => path,
    verdict: ({ path, verdict }) => (path === recommended ? 'recommended' : words[verdict]),
    why: ({ reasons }) => reasons.join('; '),
  });
  const open =
    recommended !== undefined && unknown.length > 0 ? '\nA better path may fit; the open questions stand above.\n' : '';
  return `${rows}\nNext: ${next}\n${open}`;
}
