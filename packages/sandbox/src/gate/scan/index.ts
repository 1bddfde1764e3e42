/** From a scan's text to a report, whatever tool wrote it. Never throws: what cannot be read is a problem in the report. */
import type { ScanReport } from '../evidence.ts';
import { isEcr, parseEcr } from './ecr.ts';
import { isGrype, parseGrype } from './grype.ts';
import { isInspector, parseInspector } from './inspector.ts';
import { isSarif, parseSarif } from './sarif.ts';
import { isTrivy, parseTrivy } from './trivy.ts';
import { unreadable } from './builder.ts';

const parsers: ReadonlyArray<readonly [(value: unknown) => boolean, (value: unknown) => ScanReport]> = [
  [isSarif, parseSarif],
  [isEcr, parseEcr],
  [isGrype, parseGrype],
  [isTrivy, parseTrivy],
  [isInspector, parseInspector],
];

const known = 'ECR (describe-image-scan-findings), Inspector (list-findings), Trivy JSON, Grype JSON and SARIF';

export function parseScan(source: string): ScanReport {
  const trimmed = source.replace(/^\uFEFF/, '').trim();
  if (trimmed === '') return unreadable('the scan is empty');
  if (trimmed.startsWith('<')) return unreadable(`the scan is XML; read are ${known}`);
  let value: unknown;
  try {
    value = JSON.parse(trimmed);
  } catch (error) {
    return unreadable(
      `the scan is not whole JSON (${error instanceof Error ? error.message.slice(0, 120) : 'syntax'})`,
    );
  }
  for (const [is, parse] of parsers) if (is(value)) return parse(value);
  return unreadable(`the scan is JSON of a format that is not known here; read are ${known}`);
}
