import { didYouMean, UsageError } from '@postern/core';
import { type StackInfo, type StackName, stackInfo, stackNames } from '../stacks/names.ts';

/** Which stacks a command touches, in which order. PURE. */

export interface Selection {
  readonly wanted: readonly StackInfo[];
  readonly removed: readonly StackName[];
}

/** The targets, checked: misspelt ones and those that the instance does not have are refused. */
export function select(
  wanted: readonly StackInfo[],
  removed: readonly StackName[],
  targets: readonly string[],
): Selection {
  for (const target of targets) {
    if (wanted.some(({ name }) => name === target) || removed.some((name) => name === target)) continue;
    const near = didYouMean(target, stackNames);
    const known = stackNames.some((name) => name === target);
    const have = [...wanted.map(({ name }) => name), ...removed].join(', ') || 'none';
    throw new UsageError(
      known ? `this instance has no stack ${target}` : `there is no stack ${JSON.stringify(target)}`,
      {
        hint: near !== undefined && !known ? `did you mean ${near}?` : `its stacks: ${have}`,
      },
    );
  }
  if (targets.length === 0) return { wanted, removed };
  return {
    wanted: wanted.filter(({ name }) => targets.includes(name)),
    removed: removed.filter((name) => targets.includes(name)),
  };
}

/** Upstream stacks of `stack` that are neither applied nor about to be. */
export function missingUpstream(
  stack: StackInfo,
  applied: ReadonlySet<StackName>,
  before: ReadonlySet<StackName>,
): StackName[] {
  return stack.after.filter((name) => !applied.has(name) && !before.has(name));
}

/** What still stands on `stack` and is not destroyed with it. */
export function dependants(
  stack: StackName,
  applied: ReadonlySet<StackName>,
  going: ReadonlySet<StackName>,
): StackName[] {
  return stackNames.filter((name) => stackInfo(name).after.includes(stack) && applied.has(name) && !going.has(name));
}

/** A stack before what it was built on. */
export function destroyOrder(names: readonly StackName[]): StackName[] {
  return names.toSorted((a, b) => stackNames.indexOf(b) - stackNames.indexOf(a));
}
