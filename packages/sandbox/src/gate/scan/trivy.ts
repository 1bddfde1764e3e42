/** Trivy's JSON (`trivy image --format json`), schema 2, the older bare list of results, and the Kubernetes summary. */
import type { RawFinding, ScanReport } from '../evidence.ts';
import { type Json, at, isObject, list, moment, object, objects, text } from '../json.ts';
import type { Score } from '../score.ts';
import { ScanBuilder } from './builder.ts';

export function isTrivy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every((item) => isObject(item) && 'Target' in item);
  return (
    isObject(value) &&
    ('Results' in value || ('SchemaVersion' in value && 'ArtifactName' in value) || 'ClusterName' in value)
  );
}

export function parseTrivy(value: unknown): ScanReport {
  const builder = new ScanBuilder('trivy');
  const top = object(value);
  builder.producedAtMs = moment(top['CreatedAt']);
  builder.about(at(top, 'Metadata', 'RepoDigests'), at(top, 'Metadata', 'Reference'), top['ArtifactName']);
  if (at(top, 'Metadata', 'OS', 'EOSL') === true)
    builder.note(
      'the distribution has reached its end of service: newer vulnerabilities may be unknown to the scanner',
    );
  let looked = false;
  for (const result of results(builder, value)) {
    if (isPackageResult(result)) looked = true;
    const place = `Vulnerabilities of ${text(result['Target']) ?? 'a result'}`;
    for (const vulnerability of builder.list(result['Vulnerabilities'], place))
      add(builder, result, vulnerability, false);
    // .trivyignore and --vex hide findings here. Whoever scans may write those files; only a waiver counts.
    for (const modified of objects(result['ExperimentalModifiedFindings']))
      if (text(modified['Type']) === undefined || modified['Type'] === 'vulnerability')
        add(builder, result, modified['Finding'], true);
  }
  if (!looked)
    builder.problem(
      'scan-incomplete',
      'Trivy examined no packages: no result of class os-pkgs or lang-pkgs (was the operating system recognised, and --scanners vuln set?)',
    );
  return builder.report();
}

function results(builder: ScanBuilder, value: unknown): Json[] {
  const top = object(value);
  const own = Array.isArray(value) ? value : builder.list(top['Results'], 'Results');
  const nested = [...objects(top['Resources']), ...objects(top['Findings'])].flatMap((item) =>
    builder.list(item['Results'], 'Results'),
  );
  return [...own, ...nested].map(object);
}

/** Before schema 2 there was no class; the type of a package manager or distribution stood alone. */
function isPackageResult(result: Json): boolean {
  const found = text(result['Class']);
  return found === undefined ? 'Vulnerabilities' in result || 'Type' in result : /^(os|lang)-pkgs/.test(found);
}

function add(builder: ScanBuilder, result: Json, value: unknown, suppressed: boolean): void {
  const item = object(value);
  const id = text(item['VulnerabilityID']);
  if (id === undefined) {
    builder.problem(
      'scan-unreadable',
      `a vulnerability of ${text(result['Target']) ?? 'the report'} has no VulnerabilityID`,
    );
    return;
  }
  const scores: Score[] = [];
  for (const [source, cvss] of Object.entries(object(item['CVSS']))) {
    const entry = object(cvss);
    for (const [version, key] of [
      [4, 'V40'],
      [3, 'V3'],
      [2, 'V2'],
    ] as const)
      builder.score(scores, entry[`${key}Score`], source, version, entry[`${key}Vector`], id);
  }
  const version = text(item['InstalledVersion']);
  const purl = text(at(item, 'PkgIdentifier', 'PURL')) ?? text(item['PkgRef']);
  const label = text(item['Severity']);
  const fixedIn = text(item['FixedVersion']);
  const finding: RawFinding = {
    id,
    aliases: list(item['VendorIDs']).flatMap((alias) => text(alias) ?? []),
    package: {
      name: text(item['PkgName']) ?? 'unknown',
      ...(version === undefined ? {} : { version }),
      ...(purl?.startsWith('pkg:') === true ? { purl } : {}),
    },
    ...(label === undefined ? {} : { label }),
    scores,
    ...(fixedIn === undefined ? {} : { fixedIn }),
    knownExploited: false,
    suppressed,
    locations: [text(item['PkgPath']) ?? text(result['Target']) ?? ''].filter((place) => place !== ''),
  };
  builder.add(finding);
}
