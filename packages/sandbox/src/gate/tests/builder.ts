/** Gathers one test report's cases and problems; and what all formats have in common about test outcomes. */
import type { CaseOutcome, Problem, ReasonCode, TestCase, TestFormat, TestReport } from '../evidence.ts';

/** No API test suite comes near; bounds memory against a made-up report. */
export const casesMax = 100_000;

/** Runs dated before this have a clock that was never set (test kits write 0): they are undated, not decades old. */
const earliestMs = Date.UTC(2000, 0, 1);

export class TestBuilder {
  readonly format: TestFormat;
  readonly cases: TestCase[] = [];
  readonly problems: Problem[] = [];
  #producedAtMs: number | undefined;

  constructor(format: TestFormat) {
    this.format = format;
  }

  problem(code: ReasonCode, message: string): void {
    this.problems.push({ code, message });
  }

  /** The latest moment the report names is when its run ended. */
  at(ms: number | undefined): void {
    if (ms !== undefined && ms >= earliestMs) this.#producedAtMs = Math.max(this.#producedAtMs ?? ms, ms);
  }

  add(name: string, outcome: CaseOutcome, detail?: string, flaky = false): void {
    if (this.cases.length < casesMax) {
      this.cases.push({
        name: name.slice(0, 500),
        outcome,
        ...(detail === undefined ? {} : { detail: detail.slice(0, 500) }),
        flaky,
      });
    } else if (!this.problems.some((problem) => problem.code === 'tests-incomplete')) {
      this.problem('tests-incomplete', `the report names more than ${casesMax} test cases; the rest was not read`);
    }
  }

  report(): TestReport {
    return { format: this.format, cases: this.cases, producedAtMs: this.#producedAtMs, problems: this.problems };
  }
}

export function unreadableTests(message: string): TestReport {
  const builder = new TestBuilder('unknown');
  builder.problem('tests-unreadable', message);
  return builder.report();
}

/**
 * The outcome of a case from its steps' words (Cucumber's). The worst decides, in Cucumber's own order. A case without
 * steps, or with words that are not known, tested nothing.
 */
export function outcomeOf(words: readonly string[]): { outcome: CaseOutcome; detail?: string } {
  const seen = new Set(words.map((word) => word.toLowerCase()));
  if (seen.has('failed')) return { outcome: 'failed', detail: 'failed' };
  for (const word of ['ambiguous', 'undefined', 'pending'])
    if (seen.has(word)) return { outcome: 'incomplete', detail: word };
  if (seen.size === 0) return { outcome: 'skipped', detail: 'has no steps' };
  const strange = [...seen].find((word) => word !== 'passed' && word !== 'skipped');
  if (strange !== undefined) return { outcome: 'incomplete', detail: strange };
  return seen.has('skipped') ? { outcome: 'skipped', detail: 'skipped' } : { outcome: 'passed' };
}
