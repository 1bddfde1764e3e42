/** Cucumber messages: one JSON envelope a line (github.com/cucumber/messages), of the protocol's versions with test case attempts. */
import type { TestReport } from '../evidence.ts';
import { type Json, at, isObject, object, objects, text } from '../json.ts';
import { TestBuilder, outcomeOf } from './builder.ts';

/** One attempt at one test case. */
interface Attempt {
  readonly testCaseId: string;
  readonly statuses: string[];
  finished: boolean;
  willBeRetried: boolean;
}

export function parseCucumberMessages(envelopes: readonly Json[]): TestReport {
  const builder = new TestBuilder('cucumber-messages');
  const names = new Map<string, string>();
  const cases = new Map<string, { readonly name: string; readonly attempts: Attempt[] }>();
  const attempts = new Map<string, Attempt>();
  let runFinished: Json | undefined;
  for (const envelope of envelopes) {
    const [kind] = Object.keys(envelope);
    const body = object(kind === undefined ? undefined : envelope[kind]);
    builder.at(timestamp(body));
    switch (kind) {
      case 'pickle':
        names.set(text(body['id']) ?? '', `${text(body['uri']) ?? ''}: ${text(body['name']) ?? ''}`);
        break;
      case 'testCase': {
        const id = text(body['id']) ?? '';
        cases.set(id, { name: names.get(text(body['pickleId']) ?? '') ?? id, attempts: [] });
        break;
      }
      case 'testCaseStarted': {
        const attempt: Attempt = {
          testCaseId: text(body['testCaseId']) ?? '',
          statuses: [],
          finished: false,
          willBeRetried: false,
        };
        attempts.set(text(body['id']) ?? '', attempt);
        const known = cases.get(attempt.testCaseId);
        if (known === undefined) cases.set(attempt.testCaseId, { name: attempt.testCaseId, attempts: [attempt] });
        else known.attempts.push(attempt);
        break;
      }
      case 'testStepFinished':
        attempts.get(text(body['testCaseStartedId']) ?? '')?.statuses.push(status(body['testStepResult']));
        break;
      case 'testRunHookFinished':
        if (status(body['result']) === 'FAILED') builder.problem('tests-failed', 'a hook around the whole run failed');
        break;
      case 'testCaseFinished': {
        const attempt = attempts.get(text(body['testCaseStartedId']) ?? '');
        if (attempt === undefined) break;
        attempt.finished = true;
        attempt.willBeRetried = body['willBeRetried'] === true;
        break;
      }
      case 'parseError':
        builder.problem(
          'tests-incomplete',
          `a feature file could not be read: ${(text(body['message']) ?? '').slice(0, 200)}`,
        );
        break;
      case 'testRunFinished':
        runFinished = body;
        break;
      default:
    }
  }
  for (const { name, attempts: tries } of cases.values()) addCase(builder, name, tries);
  finish(builder, runFinished);
  return builder.report();
}

function addCase(builder: TestBuilder, name: string, attempts: readonly Attempt[]): void {
  const last = attempts.at(-1);
  if (last === undefined || !last.finished || last.willBeRetried) {
    builder.problem(
      'tests-unfinished',
      `${JSON.stringify(name.slice(0, 200))} ${last === undefined ? 'was never started' : 'did not reach its end'}`,
    );
    return;
  }
  const { outcome, detail } = outcomeOf(last.statuses);
  builder.add(name, outcome, detail, outcome === 'passed' && attempts.length > 1);
}

function finish(builder: TestBuilder, runFinished: Json | undefined): void {
  if (runFinished === undefined) {
    builder.problem('tests-unfinished', 'the report has no testRunFinished: the run was cut off');
    return;
  }
  // The runner knows of failures that no step carries (an exception between scenarios, a strict mode).
  if (
    runFinished['success'] === false &&
    builder.cases.every((one) => one.outcome === 'passed' || one.outcome === 'skipped')
  )
    builder.problem('tests-failed', 'the runner reports that the run as a whole did not succeed');
}

function status(result: unknown): string {
  return text(at(result, 'status')) ?? 'UNKNOWN';
}

function timestamp(body: Json): number | undefined {
  const stamp = body['timestamp'];
  if (!isObject(stamp)) return undefined;
  const seconds = Number(stamp['seconds']);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

const kinds = new Set(
  'attachment externalAttachment gherkinDocument hook meta parameterType parseError pickle suggestion source stepDefinition testCase testCaseFinished testCaseStarted testRunFinished testRunStarted testStepFinished testStepStarted testRunHookStarted testRunHookFinished undefinedParameterType'.split(
    ' ',
  ),
);

export function isEnvelope(value: unknown): value is Json {
  return isObject(value) && Object.keys(value).some((key) => kinds.has(key)) && objects([value]).length === 1;
}
