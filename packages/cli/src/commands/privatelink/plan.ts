import type { Command } from 'commander';
import { ConfigError } from '@postern/core';
import type { LinkPlan } from '@postern/privatelink';
import { type OutputFormat, outputOption, printable, printObject } from '../../io/output.ts';
import { printFolderProblems } from './folder-problems.ts';
import { addSourceOptions, sourceOf, type SourceOptions } from './options.ts';

interface Options extends SourceOptions {
  readonly output: OutputFormat;
  readonly confirmPrune?: boolean;
}

/** `postern privatelink plan` */
export function addPlan(privatelink: Command): void {
  addSourceOptions(privatelink.command('plan'))
    .description('show what the controller would do, and why; changes nothing')
    .option('--confirm-prune', 'plan also the deletions that are held')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nIt reads AWS with the same credentials as the controller. What AWS alone decides stands in parentheses.\n\nExamples:\n  postern privatelink plan --resources clusters/\n  postern privatelink plan --resources clusters/ --aws-endpoint http://127.0.0.1:4566 -o json\n  postern privatelink plan --kubeconfig hub.kubeconfig\n',
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const source = await sourceOf(options);
  const { systemClock, terminationSignal } = await import('@postern/daemon');
  const { planLinks } = await import('@postern/privatelink');
  const { plans, report } = await planLinks({
    source,
    awsEndpoint: options.awsEndpoint,
    confirmPrune: options.confirmPrune ?? false,
    clock: systemClock,
    random: Math.random,
    signal: terminationSignal(),
  });
  printObject(plans, options.output, () => human(plans));
  const errors = report.problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new ConfigError(errors);
  printFolderProblems(report);
}

function human(plans: readonly LinkPlan[]): string {
  if (plans.length === 0) return 'No object asks for a private link.\n';
  return plans.map((plan) => onePlan(plan)).join('');
}

function onePlan({ object, goal, steps, waits, problem, note }: LinkPlan): string {
  const name = [object.kind, object.namespace, object.name].filter((part) => part !== '').join('/');
  const summary =
    goal === 'nothing'
      ? `nothing to do: ${note ?? ''}`
      : steps.length === 0 && problem === undefined
        ? 'nothing to do: all is as it should be'
        : `${steps.length} ${steps.length === 1 ? 'step' : 'steps'} to ${goal === 'removal' ? 'its removal' : 'the link'}`;
  return [
    `${name}: ${summary}\n`,
    ...steps.map(({ text, why }) => `  ${printable(text)}\n      because ${printable(why)}\n`),
    ...waits.map((wait) => `  (${printable(wait)})\n`),
    problem === undefined ? '' : `  stops there: ${problem.reason}: ${printable(problem.message)}\n`,
  ].join('');
}
