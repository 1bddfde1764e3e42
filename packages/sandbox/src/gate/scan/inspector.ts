/** Findings of Amazon Inspector, as `inspector2 list-findings` and as ECR's enhanced scanning hand them out. */
import type { ScanReport } from '../evidence.ts';
import { type Json, at, isObject, moment, object, objects, text } from '../json.ts';
import type { Score } from '../score.ts';
import { ScanBuilder } from './builder.ts';

export function isInspector(value: unknown): boolean {
  if (!isObject(value) || !Array.isArray(value['findings'])) return false;
  const findings = objects(value['findings']);
  return (
    findings.length === value['findings'].length &&
    findings.every((f) => 'findingArn' in f || 'packageVulnerabilityDetails' in f || 'awsAccountId' in f)
  );
}

export function parseInspector(value: unknown): ScanReport {
  const builder = new ScanBuilder('inspector2');
  const top = object(value);
  if (text(top['nextToken']) !== undefined)
    builder.problem('scan-incomplete', 'the answer has a nextToken: more findings follow on pages that were not given');
  for (const finding of objects(top['findings'])) {
    // Inspector keeps no time of the scan itself; when it last looked at a finding is the nearest it says.
    const seen = latest(finding['lastObservedAt'], finding['updatedAt']);
    if (seen !== undefined) builder.producedAtMs = Math.max(builder.producedAtMs ?? seen, seen);
    addInspectorFinding(builder, finding);
  }
  return builder.report();
}

function latest(...values: readonly unknown[]): number | undefined {
  const moments = values.flatMap((value) => moment(value) ?? []);
  return moments.length === 0 ? undefined : Math.max(...moments);
}

/** One finding is about one vulnerability and one or more packages: each becomes a finding of its own. */
export function addInspectorFinding(builder: ScanBuilder, finding: Json): void {
  const resources = objects(finding['resources']);
  const images = resources.flatMap((resource) => {
    const image = at(resource, 'details', 'awsEcrContainerImage');
    return [text(at(image, 'imageHash')), text(resource['id'])];
  });
  builder.about(...images);
  if (resources.length > 0 && images.every((image) => image === undefined || !/sha256:/.test(image))) {
    builder.note('findings of resources that are no container images were left out');
    return;
  }
  // Inspector closes a finding when the vulnerability is gone. SUPPRESSED is somebody's rule, and counts.
  if (text(finding['status']) === 'CLOSED') {
    builder.note('findings that Inspector has closed were left out');
    return;
  }
  const details = object(finding['packageVulnerabilityDetails']);
  const id = text(details['vulnerabilityId']) ?? text(finding['title']) ?? text(finding['findingArn']);
  if (id === undefined) {
    builder.problem('scan-unreadable', 'a finding has no vulnerabilityId, title or ARN');
    return;
  }
  const packages = objects(details['vulnerablePackages']);
  const label = text(finding['severity']);
  for (const vulnerable of packages.length === 0 ? [{} as Json] : packages) {
    const version = fullVersion(vulnerable);
    const fixedIn = text(vulnerable['fixedInVersion']);
    builder.add({
      id,
      aliases: Array.isArray(details['relatedVulnerabilities'])
        ? details['relatedVulnerabilities'].flatMap((alias) => text(alias) ?? [])
        : [],
      package: {
        name: text(vulnerable['name']) ?? text(finding['type']) ?? 'unknown',
        ...(version === undefined ? {} : { version }),
      },
      ...(label === undefined ? {} : { label }),
      scores: scoresOf(builder, finding, id),
      ...(fixedIn === undefined || fixedIn === 'NotAvailable' ? {} : { fixedIn }),
      suppressed: text(finding['status']) === 'SUPPRESSED',
      locations: [text(vulnerable['filePath']) ?? ''].filter((place) => place !== ''),
    });
  }
}

function fullVersion(vulnerable: Json): string | undefined {
  const version = text(vulnerable['version']);
  const release = text(vulnerable['release']);
  return version === undefined || release === undefined ? version : `${version}-${release}`;
}

function scoresOf(builder: ScanBuilder, finding: Json, id: string): Score[] {
  const scores: Score[] = [];
  for (const cvss of objects(at(finding, 'packageVulnerabilityDetails', 'cvss')))
    builder.score(
      scores,
      cvss['baseScore'],
      text(cvss['source']) ?? 'unknown',
      cvss['version'],
      cvss['scoringVector'],
      id,
    );
  // Inspector's own number, which it adjusts for the environment: `list-findings` and ECR name it differently.
  const adjusted = object(at(finding, 'inspectorScoreDetails', 'adjustedCvss') ?? at(finding, 'scoreDetails', 'cvss'));
  builder.score(
    scores,
    adjusted['score'] ?? finding['inspectorScore'] ?? finding['score'],
    'inspector',
    adjusted['version'],
    adjusted['scoringVector'],
    id,
  );
  return scores;
}
