/** Cucumber's classic JSON report: a list of features with elements (scenarios, backgrounds) and steps. */
import type { TestReport } from '../evidence.ts';
import { type Json, at, isObject, moment, object, objects, text } from '../json.ts';
import { TestBuilder, outcomeOf } from './builder.ts';

export function isCucumberJson(value: unknown): value is readonly Json[] {
  return (
    Array.isArray(value) &&
    value.every((item) => isObject(item) && ('elements' in item || 'keyword' in item || 'uri' in item))
  );
}

export function parseCucumberJson(features: readonly Json[]): TestReport {
  const builder = new TestBuilder('cucumber-json');
  for (const feature of features) {
    // A background's steps are reported once, before the scenarios they belong to; its failure is theirs.
    let background: string[] = [];
    for (const element of objects(feature['elements'])) {
      builder.at(moment(element['start_timestamp']));
      const words = statuses(element);
      if (text(element['type']) === 'background') {
        background = words;
        continue;
      }
      const steps = objects(element['steps']).length + background.length;
      const { outcome, detail } = outcomeOf(steps === 0 ? [] : [...background, ...words]);
      builder.add(
        `${text(feature['uri']) ?? text(feature['name']) ?? ''}: ${text(element['name']) ?? ''}`,
        outcome,
        detail,
      );
    }
  }
  return builder.report();
}

/** Steps and hooks, each with its own hooks. A step without a result was not run to its end. */
function statuses(element: Json): string[] {
  const hooks = (holder: Json): Json[] => [...objects(holder['before']), ...objects(holder['after'])];
  const steps = objects(element['steps']);
  return [...hooks(element), ...steps, ...steps.flatMap(hooks)].map(
    (step) => text(at(object(step['result']), 'status')) ?? 'unknown',
  );
}
