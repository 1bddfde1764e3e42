import type { Clock } from '@postern/core';
import type { HiveHome, PlumbingPlan, PlumbingStep } from '@postern/privatelink';
import { type OutputFormat, printable, printObject } from '../../io/output.ts';
import { sourceOf, type SourceOptions } from './options.ts';

/** What the commands share that prepare accounts and VPCs. */

export interface PlumbingCommandOptions extends SourceOptions {
  readonly dryRun?: boolean;
  readonly output: OutputFormat;
}

/** Where the HiveConfig is edited. */
export async function openHome(options: SourceOptions): Promise<HiveHome> {
  const source = await sourceOf(options);
  const { openHome: open } = await import('@postern/privatelink');
  const { systemClock } = await import('@postern/daemon');
  return open({ source, clock: systemClock, random: Math.random });
}

/** Runs one of these commands and says what it does: the plan for a dry run, each step as it comes otherwise. */
export async function runPlumbing(
  options: PlumbingCommandOptions,
  work: (common: Common) => Promise<PlumbingPlan>,
): Promise<void> {
  const { systemClock, terminationSignal } = await import('@postern/daemon');
  const { explainStep } = await import('@postern/privatelink');
  const home = await openHome(options);
  const dryRun = options.dryRun ?? false;
  // With -o json or yaml the steps go to standard error, so that standard output stays what it is.
  const out = options.output === 'table' ? process.stdout : process.stderr;
  try {
    const plan = await work({
      home,
      awsEndpoint: options.awsEndpoint,
      clock: systemClock,
      random: Math.random,
      signal: terminationSignal(),
      dryRun,
      hooks: {
        onPlan: ({ warnings }) => {
          for (const warning of warnings) process.stderr.write(`warning: ${printable(warning)}\n`);
        },
        onStep: (step, number, of) => void out.write(`[${number}/${of}] ${printable(explainStep(step))}\n`),
        onUndo: (step) => void out.write(`undo: ${printable(explainStep(step))}\n`),
      },
    });
    const shown = {
      dryRun,
      steps: plan.steps.map((step) => ({ ...step, text: explainStep(step) })),
      warnings: plan.warnings,
    };
    printObject(shown, options.output, () => summary(plan, dryRun, explainStep));
  } finally {
    await home.close();
  }
}

export interface Common {
  readonly home: HiveHome;
  readonly awsEndpoint: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly dryRun: boolean;
  readonly hooks: {
    readonly onPlan: (plan: PlumbingPlan) => void;
    readonly onStep: (step: PlumbingStep, number: number, of: number) => void;
    readonly onUndo: (step: PlumbingStep) => void;
  };
}

function summary({ steps }: PlumbingPlan, dryRun: boolean, explain: (step: PlumbingStep) => string): string {
  if (steps.length === 0) return 'Nothing to do.\n';
  if (!dryRun) return 'Done.\n';
  const lines = steps.map((step, i) => `${i + 1}. ${printable(explain(step))}\n`);
  return `${steps.length} ${steps.length === 1 ? 'step' : 'steps'}, none of them done:\n${lines.join('')}`;
}
