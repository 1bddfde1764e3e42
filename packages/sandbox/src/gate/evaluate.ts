/** The gate: evidence, policy, waivers and the time in; the verdict out. Fails closed: what is not proven refuses. */
import { formatDuration } from '@postern/core';
import type { Problem, ReasonCode, ScanReport, TestReport } from './evidence.ts';
import { type Finding, joinFindings, order } from './finding.ts';
import type { Image } from './image.ts';
import { type Circumstances, idsOf, notInForce, speaksOf } from './match.ts';
import { type GatePolicy, futureSkewMs } from './policy.ts';
import type { JudgedEvidence, JudgedFinding, JudgedWaiver, Outcome, Reason, Verdict } from './verdict.ts';
import type { Waiver } from './waiver.ts';

export interface Submitted<T> {
  readonly report: T;
  /** Of the file's bytes, hexadecimal. */
  readonly sha256: string;
}

export interface SubmittedTests extends Submitted<TestReport> {
  /** The digest a release record ties the report to; undefined where only the caller says so. */
  readonly boundTo?: string;
}

export interface GateInput {
  readonly image: Image;
  readonly environment?: string;
  readonly scans: ReadonlyArray<Submitted<ScanReport>>;
  readonly tests: readonly SubmittedTests[];
  readonly waivers: readonly Waiver[];
  readonly policy: GatePolicy;
  readonly nowMs: number;
}

/** How many names a reason spells out; the findings themselves are listed in full. */
const namesMax = 5;

export function evaluate(input: GateInput): Verdict {
  const problems: Problem[] = [];
  const { image, scans, tests, policy, nowMs } = input;
  if (image.digest === undefined)
    problems.push({
      code: 'image-not-by-digest',
      message: `${image.name} is named without a digest; a tag can be moved after the decision`,
    });
  if (scans.length === 0) problems.push({ code: 'scan-missing', message: 'no vulnerability scan was given' });
  if (tests.length === 0) problems.push({ code: 'tests-missing', message: 'no API test report was given' });
  for (const { report } of scans) problems.push(...scanProblems(report, image, policy, nowMs));
  for (const one of tests) problems.push(...testProblems(one, image, policy, nowMs));
  const judged = judge(joinFindings(scans.flatMap(({ report }) => report.findings)), input);
  problems.push(...findingProblems(judged.findings));
  const reasons = toReasons(problems);
  return {
    verdict: outcome(reasons),
    image: { name: image.name, digest: image.digest ?? null },
    reasons,
    warnings: judged.warnings,
    findings: judged.findings,
    waivers: judged.waivers,
    evidence: [...scans.map((one) => scanEvidence(one, image)), ...tests.map(testEvidence)],
    policy: {
      scanAgeMax: formatDuration(policy.scanAgeMaxMs),
      testAgeMax: formatDuration(policy.testAgeMaxMs),
      ...(policy.waiverLifetimeMaxMs === undefined
        ? {}
        : { waiverLifetimeMax: formatDuration(policy.waiverLifetimeMaxMs) }),
    },
    validUntil: validUntil(input, judged.waivers),
  };
}

function outcome(reasons: readonly Reason[]): Outcome {
  if (reasons.length === 0) return 'pass';
  return reasons.every((reason) => reason.code === 'vulnerability-high') ? 'needs-analysis' : 'refuse';
}

function scanProblems(report: ScanReport, image: Image, policy: GatePolicy, nowMs: number): Problem[] {
  if (report.problems.some((problem) => problem.code === 'scan-unreadable' && report.format === 'unknown'))
    return [...report.problems];
  const problems = [...report.problems];
  const add = (code: ReasonCode, message: string): void => void problems.push({ code, message });
  if (report.digests.length === 0)
    add(
      'scan-unbound',
      `the ${report.format} scan names no image digest; scan the pushed image (name@sha256:...), not a file or a folder`,
    );
  else if (image.digest !== undefined && !report.digests.includes(image.digest))
    add(
      'scan-mismatch',
      `the ${report.format} scan is of ${report.digests.slice(0, namesMax).join(', ')}, not of ${image.digest}`,
    );
  if (report.producedAtMs === undefined) add('scan-undated', `the ${report.format} scan does not say when it was made`);
  else age(report.producedAtMs, policy.scanAgeMaxMs, nowMs, 'scan', `the ${report.format} scan`, add);
  return problems;
}

function testProblems({ report, boundTo }: SubmittedTests, image: Image, policy: GatePolicy, nowMs: number): Problem[] {
  const problems = [...report.problems];
  const add = (code: ReasonCode, message: string): void => void problems.push({ code, message });
  if (boundTo !== undefined && boundTo !== image.digest)
    add('tests-mismatch', `the test report is bound to ${boundTo}`);
  if (report.problems.some((problem) => problem.code === 'tests-unreadable')) return problems;
  if (report.producedAtMs !== undefined)
    age(report.producedAtMs, policy.testAgeMaxMs, nowMs, 'tests', 'the test run', add);
  const of = (wanted: string) => report.cases.filter((one) => one.outcome === wanted);
  const names = (wanted: string): string => {
    const found = of(wanted);
    const more = found.length - namesMax;
    return `${found
      .slice(0, namesMax)
      .map((one) => `${JSON.stringify(one.name)}${one.detail === undefined ? '' : ` (${one.detail.split('\n')[0]})`}`)
      .join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  };
  if (report.cases.length === 0 && !problems.some((p) => p.code === 'tests-unfinished'))
    add('tests-empty', 'the test report holds no test case');
  if (of('failed').length > 0)
    add('tests-failed', `${of('failed').length} of ${report.cases.length} test cases failed: ${names('failed')}`);
  if (of('incomplete').length > 0)
    add(
      'tests-incomplete',
      `${of('incomplete').length} of ${report.cases.length} test cases were not carried out: ${names('incomplete')}`,
    );
  if (report.cases.length > 0 && report.cases.every((one) => one.outcome === 'skipped'))
    add('tests-skipped', `none of ${report.cases.length} test cases was carried out: ${names('skipped')}`);
  return problems;
}

function age(
  atMs: number,
  maxMs: number,
  nowMs: number,
  kind: 'scan' | 'tests',
  what: string,
  add: (code: ReasonCode, message: string) => void,
): void {
  const made = new Date(atMs).toISOString();
  if (atMs > nowMs + futureSkewMs) add(`${kind}-from-future`, `${what} is dated ${made}, which is in the future`);
  // The age itself is left out: the same inputs an hour later shall give the same bytes.
  else if (nowMs - atMs > maxMs)
    add(`${kind}-stale`, `${what} was made at ${made}; the policy allows an age of ${formatDuration(maxMs)}`);
}

function judge(findings: readonly Finding[], input: GateInput) {
  const circumstances: Circumstances = { image: input.image, environment: input.environment, nowMs: input.nowMs };
  const byId = new Map<string, Waiver[]>();
  for (const waiver of input.waivers)
    for (const id of new Set(idsOf(waiver))) byId.set(id, [...(byId.get(id) ?? []), waiver]);
  const matches = new Map<Waiver, { count: number; used: number; why?: string }>();
  const judged = findings.map((finding): JudgedFinding => {
    const candidates = [...new Set([finding.id, ...finding.aliases].flatMap((id) => byId.get(id.toUpperCase()) ?? []))];
    let used: Waiver | undefined;
    for (const waiver of candidates.toSorted((a, b) => order(a.name, b.name))) {
      if (!speaksOf(waiver, finding, circumstances)) continue;
      const match = matches.get(waiver) ?? { count: 0, used: 0 };
      match.count++;
      matches.set(waiver, match);
      const why = notInForce(waiver, finding, input.nowMs)?.why ?? tooLong(waiver, input);
      if (why !== undefined) match.why ??= why;
      else {
        match.used++;
        used ??= waiver;
      }
    }
    return toJudged(finding, used);
  });
  const waivers = input.waivers.map((waiver): JudgedWaiver => toJudgedWaiver(waiver, matches.get(waiver), input));
  const warnings = [
    ...waivers
      .filter((w) => w.state === 'unmatched')
      .map((w) => `waiver ${w.name} (${w.vulnerability}) matches no finding of this image`),
    ...(judged.some((f) => f.suppressedByScanner === true)
      ? ['the scanner was told to hide findings (ignore file, VEX or rule); the gate judged them all the same']
      : []),
  ];
  return { findings: judged, waivers: waivers.toSorted((a, b) => order(a.name, b.name)), warnings };
}

function tooLong(waiver: Waiver, { policy, nowMs }: GateInput): string | undefined {
  if (policy.waiverLifetimeMaxMs === undefined || waiver.approval === undefined) return undefined;
  const fromMs = waiver.approval.createdMs ?? nowMs;
  return waiver.approval.expiryMs - fromMs > policy.waiverLifetimeMaxMs
    ? `runs longer than the policy's ${formatDuration(policy.waiverLifetimeMaxMs)}`
    : undefined;
}

function toJudged(finding: Finding, waiver: Waiver | undefined): JudgedFinding {
  const { band, score, basis, raisedByLabel } = finding.resolved;
  const decision =
    band === 'critical' ? 'refused' : band !== 'high' ? 'allowed' : waiver === undefined ? 'needs-analysis' : 'waived';
  return {
    id: finding.id,
    aliases: finding.aliases,
    package: finding.package,
    severity: band,
    score,
    scoreSource: basis.kind === 'score' ? basis.source : null,
    basis,
    label: finding.label ?? null,
    raisedByLabel,
    decision,
    ...(waiver === undefined ? {} : { waiver: waiver.name }),
    ...(finding.knownExploited ? { knownExploited: true as const } : {}),
    ...(finding.suppressed ? { suppressedByScanner: true as const } : {}),
    ...(finding.fixedIn === undefined ? {} : { fixedIn: finding.fixedIn }),
    locations: finding.locations,
  };
}

function toJudgedWaiver(
  waiver: Waiver,
  match: { count: number; used: number; why?: string } | undefined,
  input: GateInput,
): JudgedWaiver {
  const now = notInForce(waiver, undefined, input.nowMs);
  const why = now?.why ?? (match?.used === 0 ? match.why : undefined);
  const state =
    now?.expired === true
      ? 'expired'
      : why !== undefined
        ? 'not-in-force'
        : match === undefined
          ? 'unmatched'
          : 'matched';
  return {
    name: waiver.name,
    vulnerability: waiver.statement.vulnerability.name,
    state,
    findings: match?.count ?? 0,
    expiry: waiver.approval === undefined ? null : new Date(waiver.approval.expiryMs).toISOString(),
    ...(why === undefined ? {} : { why }),
  };
}

function findingProblems(findings: readonly JudgedFinding[]): Problem[] {
  const problem = (code: ReasonCode, decision: JudgedFinding['decision'], what: string): Problem[] => {
    const found = findings.filter((finding) => finding.decision === decision);
    if (found.length === 0) return [];
    const names = [...new Set(found.map((finding) => finding.id))];
    const more = names.length - namesMax;
    return [
      {
        code,
        message: `${found.length} finding${found.length === 1 ? '' : 's'} ${what}: ${names.slice(0, namesMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
      },
    ];
  };
  return [
    ...problem('vulnerability-critical', 'refused', 'of 9.0 or above, or labelled critical'),
    ...problem(
      'vulnerability-high',
      'needs-analysis',
      'of 7.0 to 8.9, labelled high or not rated, without a waiver in force',
    ),
  ];
}

/** One reason a code and message; evidence first, findings last, each in a fixed order. */
function toReasons(problems: readonly Problem[]): Reason[] {
  const seen = new Map(problems.map((problem) => [`${problem.code}\0${problem.message}`, problem]));
  return [...seen.values()].map(({ code, message }) => ({ code, message }));
}

function scanEvidence({ report, sha256 }: Submitted<ScanReport>, image: Image): JudgedEvidence {
  const bound = image.digest !== undefined && report.digests.includes(image.digest);
  return {
    kind: 'scan',
    format: report.format,
    sha256,
    producedAt: iso(report.producedAtMs),
    binding: bound ? 'report' : 'none',
    counts: { findings: report.findings.length },
    notes: report.notes,
  };
}

function testEvidence({ report, sha256, boundTo }: SubmittedTests): JudgedEvidence {
  const count = (wanted: string): number => report.cases.filter((one) => one.outcome === wanted).length;
  return {
    kind: 'tests',
    format: report.format,
    sha256,
    producedAt: iso(report.producedAtMs),
    binding: boundTo === undefined ? 'asserted' : 'recorded',
    counts: {
      cases: report.cases.length,
      passed: count('passed'),
      failed: count('failed'),
      incomplete: count('incomplete'),
      skipped: count('skipped'),
      flaky: report.cases.filter((one) => one.flaky).length,
    },
    notes: [],
  };
}

function validUntil({ scans, tests, waivers, policy }: GateInput, judged: readonly JudgedWaiver[]): string | null {
  const matched = new Set(judged.filter((waiver) => waiver.state === 'matched').map((waiver) => waiver.name));
  const ends = [
    ...scans.map(({ report }) =>
      report.producedAtMs === undefined ? undefined : report.producedAtMs + policy.scanAgeMaxMs,
    ),
    ...tests.map(({ report }) =>
      report.producedAtMs === undefined ? undefined : report.producedAtMs + policy.testAgeMaxMs,
    ),
    ...waivers.map((waiver) => (matched.has(waiver.name) ? waiver.approval?.expiryMs : undefined)),
  ].filter((ms) => ms !== undefined);
  return ends.length === 0 ? null : iso(Math.min(...ends));
}

function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
