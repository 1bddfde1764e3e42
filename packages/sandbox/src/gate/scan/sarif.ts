/** SARIF 2.1.0 with the `security-severity` convention, as Trivy, Grype and others write it. */
import type { ScanReport } from '../evidence.ts';
import { type Json, at, isObject, list, moment, object, objects, text } from '../json.ts';
import { type Score, bandOfLabel } from '../score.ts';
import { ScanBuilder } from './builder.ts';

export function isSarif(value: unknown): boolean {
  return (
    isObject(value) && Array.isArray(value['runs']) && (text(value['version'])?.startsWith('2.') ?? '$schema' in value)
  );
}

export function parseSarif(value: unknown): ScanReport {
  const builder = new ScanBuilder('sarif');
  const runs = objects(object(value)['runs']);
  if (runs.length === 0) builder.problem('scan-incomplete', 'the SARIF file holds no run');
  for (const run of runs) readRun(builder, run);
  return builder.report();
}

function readRun(builder: ScanBuilder, run: Json): void {
  const tool = text(at(run, 'tool', 'driver', 'name')) ?? 'the tool';
  builder.about(
    at(run, 'properties', 'repoDigests'),
    at(run, 'properties', 'imageName'),
    at(run, 'properties', 'imageDigest'),
  );
  for (const invocation of objects(run['invocations'])) {
    const ended = moment(invocation['endTimeUtc']) ?? moment(invocation['startTimeUtc']);
    if (ended !== undefined) builder.producedAtMs = Math.max(builder.producedAtMs ?? ended, ended);
    if (invocation['executionSuccessful'] === false)
      builder.problem('scan-failed', `${tool} reports that it did not succeed`);
  }
  // SARIF 3.14.23: null or absent results mean that the scan did not get to the point of having any.
  if (!Array.isArray(run['results'])) builder.problem('scan-unfinished', `the run of ${tool} has no results`);
  const rules = ruleFinder(run);
  for (const item of builder.list(run['results'], `the results of ${tool}`)) {
    const result = object(item);
    const kind = text(result['kind']) ?? 'fail';
    if (kind !== 'pass' && kind !== 'notApplicable') addResult(builder, result, rules(result));
  }
}

/** A result names its rule by id, by index, or both, in the driver or in an extension. */
function ruleFinder(run: Json): (result: Json) => Json {
  const drivers = [at(run, 'tool', 'driver'), ...list(at(run, 'tool', 'extensions'))].map((driver) =>
    objects(at(driver, 'rules')),
  );
  const byId = new Map(drivers.flat().map((rule) => [text(rule['id']) ?? '', rule] as const));
  return (result) => {
    const id = text(result['ruleId']) ?? text(at(result, 'rule', 'id'));
    const index = Number(result['ruleIndex'] ?? at(result, 'rule', 'index') ?? -1);
    const extension = at(result, 'rule', 'toolComponent', 'index');
    const indexed = drivers[typeof extension === 'number' ? extension + 1 : 0]?.[index];
    return (id === undefined ? indexed : (byId.get(id) ?? byId.get(id.split('/')[0]!) ?? indexed)) ?? {};
  };
}

function addResult(builder: ScanBuilder, result: Json, rule: Json): void {
  const ruleId = text(result['ruleId']) ?? text(at(result, 'rule', 'id')) ?? text(rule['id']);
  if (ruleId === undefined) {
    builder.problem('scan-unreadable', 'a result names no rule');
    return;
  }
  // Grype names the image here and nowhere else: `name@sha256:...:/path`.
  for (const holder of objects(result['locations']).flatMap((one) => objects(one['logicalLocations'])))
    builder.about(holder['fullyQualifiedName']);
  const message = text(at(result, 'message', 'text')) ?? text(at(result, 'message', 'markdown')) ?? '';
  const place = objects(result['locations'])[0];
  const found = packageIn(message, text(at(place, 'message', 'text')), ruleId);
  const scores: Score[] = [];
  for (const holder of [object(result['properties']), object(rule['properties'])])
    readScores(builder, scores, holder, ruleId);
  const label = labelOf(result, rule, message, scores.length > 0);
  builder.add({
    // Grype joins vulnerability and package into one rule id; the part that is an id is what waivers name.
    id:
      /^((?:CVE|GHSA|ALAS|RHSA|ELSA|DSA|GO|PYSEC|TEMP)-[A-Za-z0-9-]+?)(?:-(?!\d)[a-z][\w.+-]*)?$/.exec(found.id)?.[1] ??
      found.id,
    aliases: found.id === ruleId ? [] : [ruleId],
    package: { name: found.name, ...(found.version === undefined ? {} : { version: found.version }) },
    ...(label === undefined ? {} : { label }),
    scores,
    ...(found.fixedIn === undefined ? {} : { fixedIn: found.fixedIn }),
    suppressed: objects(result['suppressions']).some(
      (s) => !['rejected', 'underReview'].includes(text(s['status']) ?? ''),
    ),
    locations: [text(at(place, 'physicalLocation', 'artifactLocation', 'uri')) ?? ''].filter((uri) => uri !== ''),
  });
}

function readScores(builder: ScanBuilder, into: Score[], properties: Json, id: string): void {
  for (const version of [4, 3, 2] as const) {
    const vector = properties[`cvssv${version}_vector`];
    const score = properties[`cvssv${version}_baseScore`] ?? properties[`cvssv${version}_score`];
    builder.score(into, score, 'sarif', version, vector, id);
  }
  // The convention names no version. Beside a v2 score of the same value it repeats that one; otherwise it counts as v3.
  const severity = properties['security-severity'];
  const repeats = into.some((score) => score.value === Number(severity));
  if (!repeats) builder.score(into, severity, 'security-severity', 3, undefined, id);
}

/** The words Trivy and Grype write into messages; elsewhere the rule's tags or, without any score, the explicit level. */
function labelOf(result: Json, rule: Json, message: string, scored: boolean): string | undefined {
  const inMessage =
    /^\s*Severity: *([A-Za-z]+)/m.exec(message)?.[1] ??
    /\b(critical|high|medium|low) vulnerability\b/i.exec(message)?.[1];
  const tags = [...list(at(rule, 'properties', 'tags')), ...list(at(result, 'properties', 'tags'))].flatMap(
    (t) => text(t) ?? [],
  );
  const word = [inMessage, ...tags].find((candidate) => bandOfLabel(candidate) !== undefined);
  if (word !== undefined || scored) return word;
  // `warning` is also what SARIF assumes where nothing is said, so that it clears nothing.
  const level = text(result['level']) ?? text(at(rule, 'defaultConfiguration', 'level'));
  return level === 'error' ? 'high' : level === 'note' ? 'low' : undefined;
}

function packageIn(message: string, place: string | undefined, ruleId: string) {
  const line = (name: string): string | undefined => new RegExp(`^\\s*${name}: *(\\S.*?)\\s*$`, 'm').exec(message)?.[1];
  const id = /^\s*(?:Vulnerability:? +)((?!Severity)\S+)/m.exec(message)?.[1];
  const joined = /: ([^\s:@]+)@(\S+)$/.exec(place ?? '');
  return {
    id: id !== undefined && ruleId.startsWith(id) ? id : ruleId,
    name:
      line('Package') ??
      joined?.[1] ??
      text(ruleId.replace(/^(CVE|GHSA)-[0-9a-z]+-[0-9a-z]+(-[0-9a-z]{4})?-?/i, '')) ??
      'unknown',
    version: line('Installed Version') ?? line('Version') ?? joined?.[2],
    fixedIn: line('Fixed Version') ?? line('Fix Version'),
  };
}
