/** What the folder of real reports has no example of, from the tools' documented schemas: ECR enhanced, ignored matches, Cucumber JSON, JUnit's dialects. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest, nowMs, trivy } from './fixtures.ts';
import { joinFindings } from './finding.ts';
import { parseScan } from './scan/index.ts';
import { parseTests } from './tests/index.ts';

const codes = (report: { problems: ReadonlyArray<{ code: string }> }): string =>
  report.problems.map((p) => p.code).join(' ');
const cases = (text: string): string =>
  parseTests(text)
    .cases.map((one) => `${one.outcome}${one.flaky ? '*' : ''}`)
    .join(' ');

const enhancedFinding = {
  findingArn: 'arn:x',
  severity: 'HIGH',
  status: 'ACTIVE',
  score: 8.1,
  scoreDetails: { cvss: { score: 8.1, scoreSource: 'NVD', version: '3.1', scoringVector: 'CVSS:3.1/AV:N' } },
  resources: [
    { type: 'AWS_ECR_CONTAINER_IMAGE', id: 'arn:ecr', details: { awsEcrContainerImage: { imageHash: digest } } },
  ],
  packageVulnerabilityDetails: {
    vulnerabilityId: 'CVE-2026-9',
    cvss: [{ baseScore: 9.1, source: 'NVD', version: '4.0', scoringVector: 'CVSS:4.0/AV:N' }],
    vulnerablePackages: [
      { name: 'openssl', version: '3.0', fixedInVersion: '3.1' },
      { name: 'libssl', version: '3.0' },
    ],
  },
};
const ecr = (status: string, findings: Record<string, unknown>) =>
  JSON.stringify({
    imageId: { imageDigest: digest },
    imageScanStatus: { status },
    imageScanFindings: { imageScanCompletedAt: new Date(nowMs).toISOString(), ...findings },
  });

test('ECR enhanced: ACTIVE is done, the findings are in another list, each package counts', () => {
  const report = parseScan(ecr('ACTIVE', { enhancedFindings: [enhancedFinding], findingSeverityCounts: { HIGH: 1 } }));
  assert.equal(report.format, 'ecr-enhanced');
  assert.equal(codes(report), '');
  assert.deepEqual(
    joinFindings(report.findings).map((f) => [f.package.name, f.resolved.score, f.resolved.band]),
    [
      ['libssl', 9.1, 'critical'],
      ['openssl', 9.1, 'critical'],
    ],
  );
});

test('ECR: what looks clean and is not', () => {
  assert.equal(codes(parseScan(ecr('ACTIVE', {}))), 'scan-incomplete', 'enhanced findings are not there yet');
  assert.equal(codes(parseScan(ecr('COMPLETE', {}))), 'scan-incomplete', 'no list at all');
  assert.equal(
    codes(parseScan(ecr('COMPLETE', { findings: [], findingSeverityCounts: { CRITICAL: 2 } }))),
    'scan-incomplete',
  );
  assert.equal(codes(parseScan(ecr('PENDING', { findings: [] }))), 'scan-unfinished');
  for (const status of [
    'FAILED',
    'UNSUPPORTED_IMAGE',
    'SCAN_ELIGIBILITY_EXPIRED',
    'FINDINGS_UNAVAILABLE',
    'LIMIT_EXCEEDED',
    'TOMORROWS',
  ])
    assert.equal(codes(parseScan(ecr(status, { findings: [] }))), 'scan-failed', status);
  const paged = JSON.parse(ecr('COMPLETE', { findings: [] })) as Record<string, unknown>;
  assert.equal(codes(parseScan(JSON.stringify({ ...paged, nextToken: 'more' }))), 'scan-incomplete');
});

test('Grype: what an ignore rule hid is found, and marked', () => {
  const match = {
    vulnerability: { id: 'CVE-2026-1', severity: 'High', cvss: [] },
    relatedVulnerabilities: [
      {
        id: 'CVE-2026-1',
        severity: 'Critical',
        cvss: [
          { version: '2.0', metrics: { baseScore: 10 } },
          { version: '3.1', metrics: { baseScore: 7.5 } },
        ],
      },
    ],
    artifact: { name: 'x', version: '1', purl: 'pkg:npm/x@1' },
  };
  const [found] = joinFindings(
    parseScan(
      JSON.stringify({
        matches: [],
        ignoredMatches: [{ ...match, appliedIgnoreRules: [{ vulnerability: 'CVE-2026-1' }] }],
        descriptor: {},
        source: {},
      }),
    ).findings,
  );
  assert.deepEqual([found?.suppressed, found?.resolved.score, found?.resolved.band], [true, 7.5, 'high']);
});

test('scores that are none are a problem of the report, wherever they stand', () => {
  for (const score of [-1, 10.1, 'high', '1e1', Number.MAX_VALUE])
    assert.equal(
      codes(
        parseScan(
          ecr('COMPLETE', {
            findings: [{ name: 'CVE-1', severity: 'LOW', attributes: [{ key: 'CVSS3_SCORE', value: score }] }],
          }),
        ),
      ),
      'score-invalid',
      String(score),
    );
});

test('SARIF: suppressions count, levels stand in for labels, a run without results is not done', () => {
  const sarif = (result: unknown, more: Record<string, unknown> = {}) =>
    JSON.stringify({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 't', rules: [{ id: 'CVE-2026-1', properties: { 'security-severity': '8.2' } }] } },
          results: [result],
          ...more,
        },
      ],
    });
  const [found] = joinFindings(
    parseScan(sarif({ ruleId: 'CVE-2026-1', message: { text: 'x' }, suppressions: [{ kind: 'external' }] })).findings,
  );
  assert.deepEqual([found?.resolved.score, found?.suppressed], [8.2, true]);
  const band = (level: string | undefined) =>
    joinFindings(
      parseScan(sarif({ ruleId: 'other', message: { text: '' }, ...(level === undefined ? {} : { level }) })).findings,
    )[0]?.resolved.band;
  assert.deepEqual(['error', 'warning', 'note', undefined].map(band), ['high', 'high', 'low', 'high']);
  assert.equal(codes(parseScan(sarif({}, { results: null }))), 'scan-unfinished');
  assert.ok(
    codes(
      parseScan(
        sarif({ ruleId: 'x' }, { invocations: [{ executionSuccessful: false, endTimeUtc: '2026-11-21T00:00:00Z' }] }),
      ),
    ).includes('scan-failed'),
  );
});

test('SARIF of Grype: the image’s digest stands in the locations', () => {
  const report = parseScan(
    JSON.stringify({
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: { name: 'grype', rules: [{ id: 'CVE-2026-1-libc', properties: { 'security-severity': '6.1' } }] },
          },
          results: [
            {
              ruleId: 'CVE-2026-1-libc',
              message: { text: 'A medium vulnerability in deb package: libc, version 1 was found at: /lib' },
              locations: [
                { logicalLocations: [{ name: '/lib', fullyQualifiedName: `registry.example/app@${digest}:/lib` }] },
              ],
            },
          ],
        },
      ],
    }),
  );
  assert.deepEqual(report.digests, [digest]);
  assert.deepEqual(
    report.findings.map(({ id }) => id),
    ['CVE-2026-1'],
  );
});

test('a list that is none is damage, never a scan without findings', () => {
  const ecr = (findings: object) =>
    JSON.stringify({
      imageId: { imageDigest: digest },
      imageScanStatus: { status: 'COMPLETE' },
      imageScanFindings: { imageScanCompletedAt: '2026-11-21T00:00:00Z', ...findings },
    });
  for (const text of [
    trivy([], { Results: { a: 1 } }),
    trivy([], { Results: [{ Target: 'x', Class: 'os-pkgs', Vulnerabilities: { a: 1 } }] }),
    trivy([], { Results: [{ Target: 'x', Class: 'os-pkgs', Vulnerabilities: ['CVE-2026-1'] }] }),
    JSON.stringify({ matches: [null], source: {}, descriptor: {} }),
    JSON.stringify({ matches: [], ignoredMatches: 'none', source: {}, descriptor: {} }),
    JSON.stringify({ version: '2.1.0', runs: [{ tool: {}, results: ['CVE-2026-1'] }] }),
    ecr({ findings: ['CVE-2026-1'] }),
    ecr({ findings: [], enhancedFindings: ['CVE-2026-1'] }),
  ])
    assert.ok(codes(parseScan(text)).includes('scan-unreadable'), text);
});

test('Cucumber JSON: backgrounds and hooks belong to their scenarios, steps without a result were not run', () => {
  const feature = (elements: unknown[]) =>
    JSON.stringify([{ uri: 'a.feature', keyword: 'Feature', name: 'f', elements }]);
  const step = (status?: string) => ({ name: 's', ...(status === undefined ? {} : { result: { status } }) });
  assert.equal(
    cases(
      feature([
        { type: 'background', steps: [step('failed')] },
        { type: 'scenario', name: 'a', steps: [step('skipped')] },
      ]),
    ),
    'failed',
  );
  assert.equal(
    cases(
      feature([{ type: 'scenario', name: 'a', steps: [step('passed')], after: [{ result: { status: 'failed' } }] }]),
    ),
    'failed',
  );
  assert.equal(
    cases(
      feature([
        { type: 'scenario', name: 'a', steps: [step('passed'), step('passed')] },
        { type: 'scenario', name: 'b', steps: [step()] },
        { type: 'scenario', name: 'c', steps: [step('pending')] },
        { type: 'scenario', name: 'd', steps: [] },
      ]),
    ),
    'passed incomplete incomplete skipped',
  );
  assert.equal(parseTests('[]').cases.length, 0);
});

test('JUnit: nested suites, errors outside cases, reruns, statuses, and what only pretends', () => {
  assert.equal(cases('<testsuite tests="1"><testcase name="a"/></testsuite>'), 'passed');
  assert.equal(
    cases(
      '<testsuites><testsuite><testsuite><testcase name="a"><error message="x"/></testcase><testcase name="b"><skipped/></testcase></testsuite></testsuite></testsuites>',
    ),
    'failed skipped',
  );
  assert.equal(
    cases(
      '<testsuite><testcase name="a"><flakyFailure message="x"/></testcase><testcase name="b" status="failed"/></testsuite>',
    ),
    'passed* failed',
  );
  assert.equal(
    codes(parseTests('<testsuite name="x" errors="1" tests="1"><testcase name="a"/></testsuite>')),
    'tests-failed',
  );
  assert.equal(
    codes(parseTests('<testsuite><error>could not load</error><testcase name="a"/></testsuite>')),
    'tests-failed',
  );
  assert.equal(
    codes(parseTests('<!DOCTYPE x [<!ENTITY a "b">]><testsuite><testcase name="&a;"/></testsuite>')),
    'tests-unreadable',
  );
  assert.equal(codes(parseTests('<html><body/></html>')), 'tests-unreadable');
});
