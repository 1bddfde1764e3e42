import { PosternError } from '@postern/core';
import { isAwsError } from '../providers/aws/errors.ts';
import { explainStep, inverse, type PlumbingPlan, type PlumbingStep } from './plan/steps.ts';

/** Does a plan from its first step to its last; where one fails, what was done is undone, last first. */

export interface RunHooks {
  readonly onStep?: (step: PlumbingStep, number: number, of: number) => void;
  readonly onUndo?: (step: PlumbingStep) => void;
}

/** A step failed. `message` says which and why; `hint` what became of the others. */
export class StepError extends PosternError {
  override readonly name = 'StepError';
  readonly step: PlumbingStep;
  constructor(step: PlumbingStep, cause: unknown, undone: number, stuck: readonly string[]) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const hint = cause instanceof PosternError ? cause.hint : undefined;
    const rest =
      stuck.length > 0
        ? `these could not be undone: ${stuck.join('; ')}. Run the command again, or undo them by hand`
        : undone > 0
          ? `${undone === 1 ? 'the step before it was' : `the ${undone} steps before it were`} undone`
          : 'nothing had been changed before';
    super('STEP_FAILED', `could not ${explainStep(step)}: ${why}`, {
      hint: hint === undefined ? rest : `${hint}; ${rest}`,
      cause,
      exitCode: cause instanceof PosternError ? cause.exitCode : 1,
    });
    this.step = step;
  }
}

/**
 * @param act does one step
 * @param undo does one step of the way back: under another signal, because the first may be why it is undone
 */
export async function runPlan(
  { steps }: PlumbingPlan,
  act: (step: PlumbingStep) => Promise<void>,
  undo: (step: PlumbingStep) => Promise<void>,
  hooks: RunHooks = {},
): Promise<void> {
  const done: PlumbingStep[] = [];
  for (const [i, step] of steps.entries()) {
    hooks.onStep?.(step, i + 1, steps.length);
    try {
      await act(step);
      done.push(step);
    } catch (error) {
      // Cut off in the middle, it may be done all the same.
      const unsure = !(error instanceof PosternError) || isAwsError(error, 'transient');
      const { undone, stuck } = await goBack(unsure ? [...done, step] : done, undo, hooks);
      throw new StepError(step, error, undone, stuck);
    }
  }
}

async function goBack(done: readonly PlumbingStep[], undo: (step: PlumbingStep) => Promise<void>, hooks: RunHooks) {
  const stuck: string[] = [];
  let undone = 0;
  for (const step of done.toReversed()) {
    const back = inverse(step);
    try {
      for (const one of back) {
        hooks.onUndo?.(one);
        await undo(one);
      }
      if (back.length > 0) undone++;
    } catch (error) {
      stuck.push(`${explainStep(step)} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  return { undone, stuck };
}
