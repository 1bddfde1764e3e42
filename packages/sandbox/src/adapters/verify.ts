/** Does the environment stand as it is written? Every part with its own verdict. */
import { PosternError } from '@postern/core';
import { lintTrust } from '../plan/trust-lint.ts';
import { trustPolicy } from '../plan/trust.ts';
import { isAws } from '../plan/sandbox.ts';
import { type RunOptions, loadSandbox, planEnvironment } from './environment.ts';
import { probe } from './probe.ts';

export interface Check {
  readonly check: string;
  readonly verdict: 'ok' | 'wrong' | 'unknown';
  readonly detail: string;
}

export async function verifyEnvironment(options: RunOptions & { readonly image?: string }): Promise<Check[]> {
  const { sandbox, projects } = await loadSandbox(options.dir);
  const checks: Check[] = (await planEnvironment(options)).map(({ stack, action, summary }) => ({
    check: `stack ${stack}`,
    verdict: action === 'unchanged' ? 'ok' : action === 'planned' ? 'wrong' : 'unknown',
    detail: summary,
  }));
  if (isAws(sandbox))
    for (const project of projects) {
      const errors = lintTrust(trustPolicy(sandbox.spec.account, project), project).filter(
        (finding) => finding.severity === 'error',
      );
      checks.push({
        check: `trust ${project.name}`,
        verdict: errors.length === 0 ? 'ok' : 'wrong',
        detail:
          errors.length === 0 ? 'nobody but the pipeline gets in' : errors.map((finding) => finding.message).join('; '),
      });
    }
  try {
    const result = await probe(await options.cluster(), {
      clock: options.clock,
      step: options.step,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.image === undefined ? {} : { image: options.image }),
    });
    checks.push({
      check: 'isolation',
      verdict: result.verdict === 'isolated' ? 'ok' : result.verdict === 'not-isolated' ? 'wrong' : 'unknown',
      detail:
        result.problems.join('; ') ||
        (result.verdict === 'unproven' ? 'the policies are right; give --image to try them' : 'tried and proven'),
    });
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    checks.push({ check: 'isolation', verdict: 'unknown', detail: error.message.split('\n')[0]! });
  }
  return checks;
}
