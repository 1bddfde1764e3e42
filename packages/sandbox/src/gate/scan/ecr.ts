/** Amazon ECR's DescribeImageScanFindings, basic (`findings`) and enhanced (`enhancedFindings`, from Inspector). */
import type { ScanReport } from '../evidence.ts';
import { type Json, at, isObject, list, moment, object, objects, text } from '../json.ts';
import { type Score } from '../score.ts';
import { ScanBuilder } from './builder.ts';
import { addInspectorFinding } from './inspector.ts';

export function isEcr(value: unknown): boolean {
  return isObject(value) && ('imageScanFindings' in value || 'imageScanStatus' in value);
}

export function parseEcr(value: unknown): ScanReport {
  const top = object(value);
  const found = object(top['imageScanFindings']);
  const enhanced = Array.isArray(found['enhancedFindings']) && !(list(found['findings']).length > 0);
  const builder = new ScanBuilder(enhanced ? 'ecr-enhanced' : 'ecr-basic');
  builder.producedAtMs = moment(found['imageScanCompletedAt']);
  builder.about(at(top, 'imageId', 'imageDigest'));
  status(builder, top, found);
  if (text(top['nextToken']) !== undefined)
    builder.problem('scan-incomplete', 'the answer has a nextToken: more findings follow on pages that were not given');
  for (const finding of builder.list(found['findings'], 'findings')) addBasic(builder, object(finding));
  for (const finding of builder.list(found['enhancedFindings'], 'enhancedFindings'))
    addInspectorFinding(builder, object(finding));
  counts(builder, found);
  return builder.report();
}

/** Continuous enhanced scanning says ACTIVE, never COMPLETE, and fills `enhancedFindings`; basic says COMPLETE. */
function status(builder: ScanBuilder, top: Json, found: Json): void {
  const word = text(at(top, 'imageScanStatus', 'status'));
  const why = text(at(top, 'imageScanStatus', 'description'));
  const said = `ECR says ${word ?? 'nothing'} of the scan${why === undefined ? '' : `: ${why}`}`;
  switch (word) {
    case 'COMPLETE':
      if (!Array.isArray(found['findings']) && !Array.isArray(found['enhancedFindings']))
        builder.problem('scan-incomplete', `${said}, but holds no list of findings`);
      return;
    case 'ACTIVE':
      // Tools that read only `findings` take such an answer for a clean image.
      if (!Array.isArray(found['enhancedFindings']))
        builder.problem('scan-incomplete', `${said}, but holds no enhanced findings yet`);
      return;
    case 'IN_PROGRESS':
    case 'PENDING':
      builder.problem('scan-unfinished', said);
      return;
    case undefined:
      builder.problem('scan-incomplete', `${said}: imageScanStatus is missing`);
      return;
    default:
      builder.problem('scan-failed', said);
  }
}

function addBasic(builder: ScanBuilder, finding: Json): void {
  const id = text(finding['name']);
  if (id === undefined) {
    builder.problem('scan-unreadable', 'a finding has no name');
    return;
  }
  const attributes = new Map(objects(finding['attributes']).map((a) => [text(a['key']) ?? '', a['value']] as const));
  const scores: Score[] = [];
  for (const version of [4, 3, 2] as const) {
    const key = [`CVSS${version}_SCORE`, `CVSS${version}0_SCORE`].find((name) => attributes.has(name));
    if (key !== undefined)
      builder.score(scores, attributes.get(key), 'ecr', version, attributes.get(key.replace('SCORE', 'VECTOR')), id);
  }
  const version = text(attributes.get('package_version'));
  const label = text(finding['severity']);
  builder.add({
    id,
    package: {
      name: text(attributes.get('package_name')) ?? 'unknown',
      ...(version === undefined ? {} : { version }),
    },
    ...(label === undefined ? {} : { label }),
    scores,
  });
}

/** The answer counts its findings by severity: when list and counts differ, one of them is not the whole truth. */
function counts(builder: ScanBuilder, found: Json): void {
  const counted = found['findingSeverityCounts'];
  if (counted === undefined || counted === null) return;
  const values = Object.values(object(counted));
  if (!isObject(counted) || !values.every((n) => typeof n === 'number' && Number.isInteger(n) && n >= 0)) {
    builder.problem('scan-unreadable', 'findingSeverityCounts holds what is not a count');
    return;
  }
  const total = (values as number[]).reduce((sum, n) => sum + n, 0);
  const listed = list(found['findings']).length + list(found['enhancedFindings']).length;
  if (total !== listed) builder.problem('scan-incomplete', `the scan counts ${total} findings and lists ${listed}`);
}
