/** Real outputs of the named tools, where the folder with them is present: every one is parsed and checked against jq-like counts. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { needThat, repositoryRoot } from '@postern/testing';
import { bandOf } from './score.ts';
import { joinFindings } from './finding.ts';
import { parseScan } from './scan/index.ts';
import { parseTests } from './tests/index.ts';
import { readWaivers } from './waiver.ts';

const folder = join(repositoryRoot, '../shared/data');
const skip = needThat('real scan and test reports in ../shared/data', existsSync(folder));
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
const files = (pattern: string): string[] => globSync(pattern, { cwd: folder }).toSorted();

test('every scan parses into findings of its own format', { skip }, () => {
  const formats: Readonly<Record<string, string>> = {
    trivy: 'trivy',
    grype: 'grype',
    sarif: 'sarif',
    ecr: 'ecr-basic',
    inspector2: 'inspector2',
  };
  const scans = files('scans/*/*');
  assert.ok(scans.length >= 20, `${scans.length} scans`);
  for (const path of scans) {
    const report = parseScan(read(path));
    assert.equal(report.format, formats[path.split('/')[1]!], path);
    assert.ok(
      report.problems.every((p) => p.code !== 'scan-unreadable' && p.code !== 'score-invalid'),
      `${path}: ${JSON.stringify(report.problems)}`,
    );
  }
});

test('Trivy: as many findings as the file has, each with the highest score it names', { skip }, () => {
  interface Result {
    Vulnerabilities?: Array<{ VulnerabilityID: string; CVSS?: Record<string, Record<string, unknown>> }>;
    ExperimentalModifiedFindings?: unknown[];
  }
  for (const path of files('scans/trivy/*.json')) {
    const raw = JSON.parse(read(path)) as { Results: Result[] };
    const listed = raw.Results.flatMap((r) => r.Vulnerabilities ?? []);
    const { findings } = parseScan(read(path));
    assert.equal(
      findings.length,
      listed.length + raw.Results.flatMap((r) => r.ExperimentalModifiedFindings ?? []).length,
      path,
    );
    for (const finding of joinFindings(findings)) {
      const same = listed.filter((v) => v.VulnerabilityID === finding.id);
      const scores = same
        .flatMap((v) => Object.values(v.CVSS ?? {}).flatMap((c) => [c['V3Score'], c['V40Score']]))
        .filter((s) => typeof s === 'number');
      if (scores.length > 0) assert.equal(finding.resolved.score, Math.max(...scores), `${path} ${finding.id}`);
      if (scores.length > 0 && !finding.resolved.raisedByLabel)
        assert.equal(finding.resolved.band, bandOf(Math.max(...scores)));
    }
  }
});

test('Trivy: LOW by Debian, 9.8 by NVD, is Critical', { skip }, () => {
  const found = joinFindings(parseScan(read('scans/trivy/all_statuses.json')).findings).find(
    (f) => f.id === 'CVE-2018-12699',
  );
  assert.equal(found?.label, 'LOW');
  assert.equal(found?.resolved.band, 'critical');
  assert.equal(found?.resolved.score, 9.8);
});

test('Trivy: a report of misconfigurations alone is no vulnerability scan', { skip }, () => {
  assert.deepEqual(
    parseScan(read('scans/trivy/helm.json')).problems.map((p) => p.code),
    ['scan-incomplete'],
  );
});

test('Grype: as many findings as matches; scores of related records count', { skip }, () => {
  for (const path of files('scans/grype/*.json')) {
    const raw = JSON.parse(read(path)) as { matches: unknown[] };
    assert.equal(parseScan(read(path)).findings.length, raw.matches.length, path);
  }
  const found = joinFindings(parseScan(read('scans/grype/check_all_fields.json')).findings);
  const glibc = found.find((f) => f.id === 'CVE-2021-33574');
  assert.equal(glibc?.resolved.score, 9.8, 'its own record has no score; NVD’s has');
});

test('ECR basic, Inspector and SARIF: ids, packages, scores', { skip }, () => {
  const [ecr] = joinFindings(parseScan(read('scans/ecr/basic-documentation-sample.json')).findings);
  assert.deepEqual(
    [ecr?.id, ecr?.package.name, ecr?.resolved.score, ecr?.resolved.band],
    ['CVE-2019-5188', 'e2fsprogs', 4.6, 'medium'],
  );
  const inspector = parseScan(read('scans/inspector2/aws_inspector2_many_vul.json'));
  assert.equal(inspector.digests.length, 1);
  assert.equal(
    inspector.findings.some((f) => f.id === 'CVE-2021-3744'),
    false,
    'a closed finding',
  );
  assert.equal(
    joinFindings(inspector.findings).find((f) => f.id === 'CVE-2021-47013')?.resolved.band,
    'high',
    'untriaged',
  );
  const sarif = joinFindings(parseScan(read('scans/sarif/trivy-alpine-310.sarif')).findings);
  const trivy = joinFindings(parseScan(read('scans/trivy/alpine-310.json')).findings);
  const brief = (list: typeof sarif) =>
    list.map((f) => [f.id, f.package.name, f.package.version, f.resolved.score, f.resolved.band]);
  assert.deepEqual(brief(sarif), brief(trivy), 'SARIF and JSON of the same scan');
});

test('Cucumber messages of every result kind, and a JUnit report', { skip }, () => {
  const expected: Readonly<Record<string, string>> = {
    'all-statuses': 'passed failed incomplete skipped incomplete incomplete',
    empty: 'skipped',
    'examples-tables': 'passed passed failed failed passed passed passed',
    minimal: 'passed',
    pending: 'incomplete incomplete incomplete',
    retry: 'passed passed passed failed',
    rules: 'passed passed passed',
    skipped: 'skipped skipped',
    'stack-traces': 'failed',
    undefined: 'incomplete incomplete incomplete incomplete',
  };
  const reports = files('tests/cucumber-messages/*.ndjson');
  assert.ok(reports.length >= 10);
  for (const path of reports) {
    const report = parseTests(read(path));
    assert.deepEqual(report.problems, [], path);
    assert.equal(report.cases.map((one) => one.outcome).join(' '), expected[basename(path, '.ndjson')], path);
  }
  assert.equal(
    parseTests(read('scans/trivy-alpine-310.junit.xml')).cases.filter((one) => one.outcome === 'failed').length,
    4,
  );
});

test('a report cut off anywhere is never taken for a whole one', { skip }, () => {
  for (const path of ['scans/grype/no_vuln.json', 'scans/trivy/alpine-310.json']) {
    const whole = read(path);
    for (const part of [0.1, 0.5, 0.99])
      assert.equal(parseScan(whole.slice(0, whole.length * part)).problems[0]?.code, 'scan-unreadable', path);
  }
  const whole = read('tests/cucumber-messages/rules.ndjson').trimEnd();
  for (let lines = whole.split('\n').length - 1; lines > 0; lines--)
    assert.notDeepEqual(parseTests(whole.split('\n').slice(0, lines).join('\n')).problems, [], `${lines} lines`);
});

test('OpenVEX documents in production use are read, and what is none is refused', { skip }, () => {
  for (const path of ['vex/oci.openvex.json', 'vex/trivy.openvex.json', 'vex/openvex_many_vuln.json'])
    assert.ok(readWaivers(path, read(path)).length >= 5, path);
  assert.throws(() => readWaivers('x', read('vex/openvex_not_a_document.json')));
});
