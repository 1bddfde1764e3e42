/** Grype's JSON (`grype -o json`). Distribution records often have no score; the related (NVD, GitHub) records do. */
import type { ScanReport } from '../evidence.ts';
import { type Json, at, isObject, list, moment, object, objects, text } from '../json.ts';
import { type Score, bandOfLabel } from '../score.ts';
import { ScanBuilder } from './builder.ts';

export function isGrype(value: unknown): boolean {
  return (
    isObject(value) && ('matches' in value || 'ignoredMatches' in value) && ('descriptor' in value || 'source' in value)
  );
}

export function parseGrype(value: unknown): ScanReport {
  const builder = new ScanBuilder('grype');
  const top = object(value);
  builder.producedAtMs = moment(at(top, 'descriptor', 'timestamp'));
  const target = at(top, 'source', 'target');
  builder.about(
    at(target, 'manifestDigest'),
    at(target, 'repoDigests'),
    at(target, 'userInput'),
    typeof target === 'string' ? target : undefined,
  );
  if (!Array.isArray(top['matches']))
    builder.problem('scan-incomplete', 'Grype wrote no list of matches; an empty result is an empty list');
  const error = text(at(top, 'descriptor', 'db', 'error')) ?? text(at(top, 'descriptor', 'db', 'status', 'error'));
  if (error !== undefined) builder.problem('scan-failed', `Grype's vulnerability database reported: ${error}`);
  if (at(top, 'descriptor', 'db', 'status', 'valid') === false)
    builder.problem('scan-failed', "Grype's vulnerability database was not valid");
  for (const match of builder.list(top['matches'], 'matches')) add(builder, object(match), false);
  for (const match of builder.list(top['ignoredMatches'], 'ignoredMatches')) add(builder, object(match), true);
  return builder.report();
}

function add(builder: ScanBuilder, match: Json, suppressed: boolean): void {
  const main = object(match['vulnerability']);
  const related = objects(match['relatedVulnerabilities']);
  const id = text(main['id']);
  if (id === undefined) {
    builder.problem('scan-unreadable', 'a match has no vulnerability id');
    return;
  }
  const scores: Score[] = [];
  for (const record of [main, ...related]) readScores(builder, scores, record, id);
  // The distribution's own word counts; where it says nothing, the related records' words do.
  const labels = [main, ...related].flatMap((record) => text(record['severity']) ?? []);
  const label = labels.find((word) => bandOfLabel(word) !== undefined) ?? labels[0];
  const artifact = object(match['artifact']);
  const purl = text(artifact['purl']);
  const version = text(artifact['version']);
  const fixedIn = list(at(main, 'fix', 'versions')).flatMap((v) => text(v) ?? []);
  builder.add({
    id,
    aliases: related.flatMap((record) => text(record['id']) ?? []).filter((alias) => alias !== id),
    package: {
      name: text(artifact['name']) ?? 'unknown',
      ...(version === undefined ? {} : { version }),
      ...(purl === undefined ? {} : { purl }),
    },
    ...(label === undefined ? {} : { label }),
    scores,
    ...(fixedIn.length === 0 ? {} : { fixedIn: fixedIn.join(', ') }),
    knownExploited: [main, ...related].some((record) => list(record['knownExploited']).length > 0),
    suppressed,
    locations: list(artifact['locations']).flatMap((place) => text(at(place, 'path')) ?? text(place) ?? []),
  });
}

function readScores(builder: ScanBuilder, into: Score[], record: Json, id: string): void {
  const namespace = text(record['namespace']) ?? 'unknown';
  for (const cvss of objects(record['cvss']))
    builder.score(
      into,
      at(cvss, 'metrics', 'baseScore') ?? cvss['baseScore'],
      text(cvss['source']) ?? namespace,
      cvss['version'],
      cvss['vector'],
      id,
    );
  // Grype before 0.10 wrote these two instead of the list.
  for (const [key, version] of [
    ['cvssV2', 2],
    ['cvssV3', 3],
  ] as const)
    builder.score(into, at(record, key, 'baseScore'), namespace, version, at(record, key, 'vector'), id);
}
