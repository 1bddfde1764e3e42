/** From a test report's text to its cases, whatever tool wrote it. Never throws: what cannot be read is a problem in the report. */
import type { TestReport } from '../evidence.ts';
import { type Json, isObject } from '../json.ts';
import { unreadableTests } from './builder.ts';
import { isCucumberJson, parseCucumberJson } from './cucumber-json.ts';
import { isEnvelope, parseCucumberMessages } from './cucumber-messages.ts';
import { parseJUnit } from './junit.ts';

const known = 'Cucumber messages (NDJSON), Cucumber JSON and JUnit XML';

export function parseTests(source: string): TestReport {
  const trimmed = source.replace(/^\uFEFF/, '').trim();
  if (trimmed === '') return unreadableTests('the test report is empty');
  if (trimmed.startsWith('<')) return parseJUnit(trimmed);
  if (trimmed.startsWith('[')) return parseList(trimmed);
  return parseLines(trimmed);
}

function parseList(source: string): TestReport {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    return unreadableTests('the test report is not whole JSON');
  }
  if (Array.isArray(value) && value.length > 0 && value.every(isEnvelope)) return parseCucumberMessages(value);
  if (isCucumberJson(value)) return parseCucumberJson(value);
  return unreadableTests(`the test report is JSON of a format that is not known here; read are ${known}`);
}

function parseLines(source: string): TestReport {
  const envelopes: Json[] = [];
  const lines = source.split('\n');
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return i > 0 && envelopes.some(isEnvelope)
        ? unreadableTests(`line ${i + 1} of the messages is not whole JSON: the file was cut off or damaged`)
        : unreadableTests(`the test report is of a format that is not known here; read are ${known}`);
    }
    if (!isObject(value)) return unreadableTests(`line ${i + 1} is no Cucumber message`);
    envelopes.push(value);
  }
  if (!envelopes.some(isEnvelope))
    return unreadableTests(`the test report is JSON of a format that is not known here; read are ${known}`);
  return parseCucumberMessages(envelopes);
}
