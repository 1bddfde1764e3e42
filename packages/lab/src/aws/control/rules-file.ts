/** Rules from a file: every problem at once, before anything starts. */
import { readFile } from 'node:fs/promises';
import { errorMessage, UsageError } from '@postern/core';
import { type RuleInput, ruleSchema } from './rules.ts';

export async function readRules(path: string): Promise<RuleInput[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`${path}: ${errorMessage(cause)}`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${path}: it is not JSON: ${errorMessage(cause)}`, { cause });
  }
  const rules: unknown[] = Array.isArray(value) ? value : [value];
  const problems = rules.flatMap((rule, i) => {
    const parsed = ruleSchema.safeParse(rule);
    return parsed.success
      ? []
      : parsed.error.issues.map((issue) => `${path}: [${i}].${issue.path.join('.')}: ${issue.message}`);
  });
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return rules as RuleInput[];
}
