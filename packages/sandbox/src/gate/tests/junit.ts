/** JUnit XML, in the dialects of Surefire, Gradle, pytest, Jest, Newman and Go tools. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { TestReport } from '../evidence.ts';
import { type Json, isObject, list, moment, object, text } from '../json.ts';
import { TestBuilder, unreadableTests } from './builder.ts';

/** Suites nest (Gradle, PHPUnit); nothing real goes deeper, and recursion must end. */
const depthMax = 32;

export function parseJUnit(source: string): TestReport {
  // Entities are how XML files read other files and fill memory; no test report declares any.
  if (/<!DOCTYPE|<!ENTITY/i.test(source))
    return unreadableTests('the test report declares a DOCTYPE; test reports have none');
  const valid = XMLValidator.validate(source);
  if (valid !== true)
    return unreadableTests(`the test report is not whole XML (line ${valid.err.line}: ${valid.err.msg})`);
  let root: Json;
  try {
    root = object(parser.parse(source));
  } catch (error) {
    return unreadableTests(
      `the test report is not readable XML (${error instanceof Error ? error.message.slice(0, 120) : ''})`,
    );
  }
  const top = [
    ...many(root['testsuites']),
    ...(root['testsuites'] === undefined ? [{ testsuite: root['testsuite'] }] : []),
  ];
  if (root['testsuites'] === undefined && root['testsuite'] === undefined)
    return unreadableTests('the XML has neither <testsuites> nor <testsuite>: it is no JUnit report');
  const builder = new TestBuilder('junit');
  for (const suites of top) {
    const before = builder.cases.length;
    readSuite(builder, suites, 0);
    compareCounts(builder, suites, builder.cases.length - before);
  }
  return builder.report();
}

/** Attributes become `@name`; everything repeats, so that everything is a list; values stay text. */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  processEntities: true,
  isArray: (_name, _path, _leaf, isAttribute) => !isAttribute,
});

function readSuite(builder: TestBuilder, suite: Json, depth: number): void {
  if (depth > depthMax) {
    builder.problem('tests-unreadable', `suites nest deeper than ${depthMax}`);
    return;
  }
  builder.at(moment(withZone(suite['@timestamp'])));
  for (const one of many(suite['testcase'])) readCase(builder, one);
  for (const nested of many(suite['testsuite'])) {
    const before = builder.cases.length;
    readSuite(builder, nested, depth + 1);
    compareCounts(builder, nested, builder.cases.length - before);
  }
  // Errors of the suite itself (a class that could not be loaded) have no test case to stand in.
  const own = many(suite['error']).length + many(suite['failure']).length;
  if (own > 0)
    builder.problem(
      'tests-failed',
      `suite ${JSON.stringify(text(suite['@name']) ?? '')} failed outside its test cases`,
    );
}

function readCase(builder: TestBuilder, one: Json): void {
  const name = [text(one['@classname']), text(one['@name'])].filter((part) => part !== undefined).join('.');
  const status = (text(one['@status']) ?? text(one['@result']) ?? '').toLowerCase();
  const flaky = 'flakyFailure' in one || 'flakyError' in one;
  if ('failure' in one || 'error' in one || /^(failed|failure|error)$/.test(status))
    builder.add(name, 'failed', messageOf(one['failure'] ?? one['error']));
  else if ('skipped' in one || /^(skipped|notrun|disabled|ignored|suppressed)$/.test(status))
    builder.add(name, 'skipped', 'skipped');
  else builder.add(name, 'passed', undefined, flaky);
}

function messageOf(value: unknown): string {
  const [first] = list(value);
  return (isObject(first) ? (text(first['@message']) ?? text(first['#text'])) : text(first)) ?? 'failed';
}

/** A report that counts more tests than it lists was cut, or its writer died. */
function compareCounts(builder: TestBuilder, suite: Json, listed: number): void {
  const stated = Number(text(suite['@tests']) ?? Number.NaN);
  if (Number.isInteger(stated) && stated > listed)
    builder.problem(
      'tests-incomplete',
      `suite ${JSON.stringify(text(suite['@name']) ?? '')} counts ${stated} tests and lists ${listed}`,
    );
  const failures = Number(text(suite['@failures']) ?? 0) + Number(text(suite['@errors']) ?? 0);
  if (failures > 0 && builder.cases.every((one) => one.outcome !== 'failed'))
    builder.problem(
      'tests-failed',
      `suite ${JSON.stringify(text(suite['@name']) ?? '')} counts ${failures} failures that no test case shows`,
    );
}

/** An element that holds nothing arrives as an empty string. */
function many(value: unknown): Json[] {
  return list(value).map((item) => (isObject(item) ? item : {}));
}

/** JUnit's schema writes no zone; UTC is the reading that differs least from any. */
function withZone(value: unknown): string | undefined {
  const stamp = text(value);
  return stamp === undefined || /(Z|[+-]\d\d:?\d\d)$/i.test(stamp) ? stamp : `${stamp}Z`;
}
