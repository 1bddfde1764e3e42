/** The gate's promises: bands, label, waivers, every fail-closed reason, reproducibility, speed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '@postern/core';
import * as fc from 'fast-check';
import { type GateInput, evaluate } from './evaluate.ts';
import { type ReasonCode, reasonCodes } from './evidence.ts';
import { type Given, digest, image, input, junit, nowMs, trivy, waiver } from './fixtures.ts';
import { parseImage, type Image } from './image.ts';
import { defaultPolicy } from './policy.ts';
import type { Verdict } from './verdict.ts';

const run = (given: Given, more: Partial<GateInput> = {}): Verdict => evaluate(input(given, more));
const codes = (verdict: Verdict): string[] => verdict.reasons.map((reason) => reason.code);

test('9.0 is refused, 8.9 and 7.0 need a waiver, 6.9 passes', () => {
  for (const [score, outcome] of [
    [10, 'refuse'],
    [9.0, 'refuse'],
    [8.9, 'needs-analysis'],
    [7.0, 'needs-analysis'],
    [6.9, 'pass'],
    [0.1, 'pass'],
  ] as const) {
    assert.equal(run({ scans: [trivy([{ score }])] }).verdict, outcome, `${score}`);
    const waived = run({ scans: [trivy([{ score }])], waivers: [waiver()] }).verdict;
    assert.equal(waived, outcome === 'needs-analysis' ? 'pass' : outcome, `${score} waived`);
  }
});

test('the band follows the score for every tenth', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), (tenth) => {
      const { verdict } = run({ scans: [trivy([{ score: tenth / 10 }])] });
      assert.equal(verdict, tenth >= 90 ? 'refuse' : tenth >= 70 ? 'needs-analysis' : 'pass');
    }),
  );
});

test('the score is the maximum over v4 and v3; v2 counts only where nothing else is', () => {
  assert.equal(run({ scans: [trivy([{ score: 5, v4: 9.3 }])] }).verdict, 'refuse');
  assert.equal(run({ scans: [trivy([{ score: 5, v2: 10 }])] }).verdict, 'pass');
  assert.equal(run({ scans: [trivy([{ v2: 10, label: 'HIGH' }])] }).verdict, 'refuse');
});

test('a label above the band wins; without any score the label decides; with neither it counts as High', () => {
  assert.equal(run({ scans: [trivy([{ score: 6.9, label: 'HIGH' }])] }).verdict, 'needs-analysis');
  assert.equal(run({ scans: [trivy([{ score: 8.9, label: 'CRITICAL' }])] }).verdict, 'refuse');
  assert.equal(run({ scans: [trivy([{ score: 9.8, label: 'LOW' }])] }).verdict, 'refuse');
  assert.equal(run({ scans: [trivy([{ label: 'MEDIUM' }])] }).verdict, 'pass');
  assert.equal(run({ scans: [trivy([{ label: 'CRITICAL' }])] }).verdict, 'refuse');
  const unrated = run({ scans: [trivy([{ label: 'UNKNOWN' }])] });
  assert.equal(unrated.verdict, 'needs-analysis');
  assert.deepEqual(unrated.findings[0]?.basis, { kind: 'none' });
});

test('what the scanner was told to hide is judged all the same', () => {
  const hidden = JSON.parse(trivy([])) as { Results: Array<Record<string, unknown>> };
  const [shown] = (JSON.parse(trivy([{ score: 8 }])) as { Results: Array<{ Vulnerabilities: unknown[] }> }).Results[0]!
    .Vulnerabilities;
  hidden.Results[0]!['ExperimentalModifiedFindings'] = [{ Type: 'vulnerability', Status: 'ignored', Finding: shown }];
  const verdict = run({ scans: [JSON.stringify(hidden)] });
  assert.equal(verdict.verdict, 'needs-analysis');
  assert.equal(verdict.findings[0]?.suppressedByScanner, true);
  assert.match(verdict.warnings.join(), /told to hide/);
});

/** One case for each reason the gate knows; the last test of this table checks that none is missing. */
const refusals: Readonly<Record<ReasonCode, () => Verdict>> = {
  'image-not-by-digest': () => run({}, { image: parseImage('registry.example/acme/app:1.0') as Image }),
  'scan-missing': () => run({ scans: [] }),
  'scan-unreadable': () => run({ scans: ['{"half":'] }),
  'scan-unfinished': () => run({ scans: [ecr('IN_PROGRESS')] }),
  'scan-failed': () => run({ scans: [ecr('UNSUPPORTED_IMAGE')] }),
  'scan-incomplete': () => run({ scans: [ecr('COMPLETE', { findingSeverityCounts: { HIGH: 1 } })] }),
  'scan-unbound': () => run({ scans: [trivy([], { Metadata: {} })] }),
  'scan-mismatch': () => run({}, { image: parseImage(`registry.example/acme/app@sha256:${'b'.repeat(64)}`) as Image }),
  'scan-undated': () => run({ scans: [trivy([], { CreatedAt: null })] }),
  'scan-stale': () => run({}, { nowMs: nowMs + 8 * 86_400_000 }),
  'scan-from-future': () => run({}, { nowMs: nowMs - 2 * 3_600_000 }),
  'score-invalid': () => run({ scans: [trivy([{ score: 11 }])] }),
  'tests-missing': () => run({ tests: [] }),
  'tests-unreadable': () => run({ tests: ['<testsuites><testsuite>'] }),
  'tests-unfinished': () => run({ tests: ['{"meta":{}}\n{"testRunStarted":{"timestamp":{"seconds":0,"nanos":0}}}'] }),
  'tests-incomplete': () => run({ tests: [junit('<testcase name="a"/>', 'tests="2"')] }),
  'tests-empty': () => run({ tests: [junit('', 'tests="0"')] }),
  'tests-skipped': () => run({ tests: [junit('<testcase name="a"><skipped/></testcase>')] }),
  'tests-failed': () => run({ tests: [junit('<testcase name="a"><failure message="500"/></testcase>')] }),
  'tests-stale': () => run({}, { nowMs: nowMs + 31 * 86_400_000 }),
  'tests-from-future': () => run({}, { nowMs: nowMs - 2 * 3_600_000 }),
  'tests-mismatch': () =>
    evaluate({ ...input({}), tests: input({}).tests.map((one) => ({ ...one, boundTo: `sha256:${'b'.repeat(64)}` })) }),
  'vulnerability-critical': () => run({ scans: [trivy([{ score: 9 }])] }),
  'vulnerability-high': () => run({ scans: [trivy([{ score: 8 }])] }),
};

function ecr(status: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    imageId: { imageDigest: digest },
    imageScanStatus: { status },
    imageScanFindings: { imageScanCompletedAt: nowMs / 1000 - 60, findings: [], ...more },
  });
}

for (const code of Object.keys(reasonCodes) as ReasonCode[])
  test(`refuses with ${code}`, () => {
    const verdict = refusals[code]();
    assert.ok(codes(verdict).includes(code), `${code} is not among ${codes(verdict).join(', ')}`);
    assert.equal(verdict.verdict, code === 'vulnerability-high' ? 'needs-analysis' : 'refuse');
  });

test('whole, fresh and bound evidence without findings passes, and says until when', () => {
  const verdict = run({});
  assert.deepEqual(verdict.reasons, []);
  assert.equal(verdict.verdict, 'pass');
  assert.equal(verdict.validUntil, new Date(nowMs - 3_600_000 + defaultPolicy.scanAgeMaxMs).toISOString());
  assert.deepEqual(
    verdict.evidence.map((one) => [one.kind, one.binding]),
    [
      ['scan', 'report'],
      ['tests', 'asserted'],
    ],
  );
});

const high = [trivy([{ score: 8.1 }])];
const notInForce: ReadonlyArray<readonly [string, string, RegExp, string]> = [
  ['expired', waiver({ expiry: '2026-11-21T12:00:00Z' }), /expired/, 'expired'],
  ['approved by its owner', waiver({ approver: 'DEV@acme.example' }), /someone else/, 'not-in-force'],
  ['not valid yet', waiver({ created: '2026-12-01' }), /holds only from/, 'not-in-force'],
  ['still under investigation', waiver({}, { status: 'under_investigation' }), /not finished/, 'not-in-force'],
  ['fixed, and still found', waiver({}, { status: 'fixed' }), /still finds it/, 'not-in-force'],
  ['approved for a lower score', waiver({ scoreMax: 8.0 }), /approved for a score up to 8/, 'not-in-force'],
  ['for another vulnerability', waiver({}, { vulnerability: { name: 'CVE-2026-0002' } }), /^$/, 'unmatched'],
  ['for another image', waiver({ scope: { images: ['registry.example/acme/other'] } }), /^$/, 'unmatched'],
  ['for another digest', waiver({ scope: `registry.example/acme/app@sha256:${'b'.repeat(64)}` }), /^$/, 'unmatched'],
  ['for another package', waiver({ scope: { packages: ['pkg:deb/debian/other'] } }), /^$/, 'unmatched'],
  ['for another version', waiver({ scope: { packages: ['pkg:deb/debian/libexample@2.0'] } }), /^$/, 'unmatched'],
  ['for another environment', waiver({ scope: { images: [digest], environments: ['playground'] } }), /^$/, 'unmatched'],
  [
    'for a product of another digest',
    waiver({}, { products: [{ '@id': `pkg:oci/app@sha256%3A${'b'.repeat(64)}` }] }),
    /^$/,
    'unmatched',
  ],
];
for (const [what, text, why, state] of notInForce)
  test(`a waiver that is ${what} waives nothing`, () => {
    const verdict = run({ scans: high, waivers: [text] });
    assert.equal(verdict.verdict, 'needs-analysis');
    assert.equal(verdict.waivers[0]?.state, state);
    assert.match(verdict.waivers[0]?.why ?? '', why);
  });

const inForce: ReadonlyArray<readonly [string, string]> = [
  ['the image by name', waiver()],
  ['the image by digest', waiver({ scope: digest })],
  ['the package', waiver({ scope: { packages: ['pkg:deb/debian/libexample'] } })],
  [
    'the product by OCI purl',
    waiver(
      {},
      { products: [{ '@id': `pkg:oci/app@${digest.replace(':', '%3A')}?repository_url=registry.example/acme` }] },
    ),
  ],
  [
    'the subcomponent',
    waiver({}, { products: [{ '@id': 'pkg:oci/app', subcomponents: [{ '@id': 'pkg:deb/debian/libexample@1.0' }] }] }),
  ],
  ['an alias', waiver({}, { vulnerability: { name: 'GHSA-0000', aliases: ['cve-2026-0001'] } })],
  [
    'an accepted risk',
    waiver({}, { status: 'affected', justification: undefined, action_statement: 'The port is closed.' }),
  ],
];
for (const [what, text] of inForce)
  test(`a waiver that names ${what} holds`, () => {
    const verdict = run({ scans: high, waivers: [text] });
    assert.equal(verdict.verdict, 'pass', JSON.stringify(verdict.waivers));
    assert.equal(verdict.findings[0]?.waiver, 'waived');
    assert.equal(verdict.validUntil, new Date(nowMs - 3_600_000 + defaultPolicy.scanAgeMaxMs).toISOString());
  });

test('a policy may bound how far ahead waivers expire', () => {
  const policy = { ...defaultPolicy, waiverLifetimeMaxMs: 30 * 86_400_000 };
  const verdict = run({ scans: high, waivers: [waiver()] }, { policy });
  assert.equal(verdict.verdict, 'needs-analysis');
  assert.match(verdict.waivers[0]?.why ?? '', /runs longer/);
});

test('a bare OpenVEX document waives nothing; a broken one is a diagnostic with its place', () => {
  const document = {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://acme.example/vex/1',
    author: 'acme',
    timestamp: '2026-11-01T00:00:00Z',
    version: 1,
    statements: [
      {
        vulnerability: 'CVE-2026-0001',
        products: ['pkg:oci/app'],
        status: 'not_affected',
        justification: 'component_not_present',
      },
    ],
  };
  const verdict = run({ scans: high, waivers: [JSON.stringify(document)] });
  assert.equal(verdict.verdict, 'needs-analysis');
  assert.match(verdict.waivers[0]?.why ?? '', /wrap it in a Waiver/);
  for (const broken of [
    '["not"]',
    '',
    '{}',
    JSON.stringify({ ...document, statements: [{ vulnerability: 'X', status: 'affected' }] }),
  ])
    assert.throws(() => input({ waivers: [broken] }), ConfigError);
});

test('all problems of a waiver file are reported at once', () => {
  assert.throws(
    () => input({ waivers: [waiver({ owner: '', expiry: 'soon', scope: {} })] }),
    (error) => error instanceof ConfigError && error.diagnostics.length === 3,
  );
});

test('the same inputs give the same bytes, in whatever order evidence and waivers come', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ n: fc.nat(30), score: fc.integer({ min: 1, max: 89 }) }), {
        selector: (v) => v.n,
        maxLength: 12,
      }),
      fc.func(fc.nat()),
      (found, shuffle) => {
        const vulnerabilities = found.map(({ n, score }) => ({ id: `CVE-2026-${n}`, score: score / 10 }));
        const waivers = found.map(({ n }) => waiver({}, { vulnerability: `CVE-2026-${n}` }, `w${n}`));
        const mixed = <T>(items: readonly T[]): T[] =>
          items.toSorted((a, b) => shuffle(JSON.stringify(a)) - shuffle(JSON.stringify(b)));
        const one = run({ scans: [trivy(vulnerabilities)], waivers });
        const other = run(
          { scans: [trivy(mixed(vulnerabilities))], waivers: mixed(waivers) },
          { nowMs: nowMs + 60_000 },
        );
        assert.equal(JSON.stringify(one), JSON.stringify(other));
      },
    ),
    { numRuns: 30 },
  );
});

test('10,000 findings and 1,000 waivers take less than a second', () => {
  const vulnerabilities = Array.from({ length: 10_000 }, (_, i) => ({
    id: `CVE-2026-${i % 5000}`,
    pkg: `lib${i}`,
    score: 4 + (i % 50) / 10,
  }));
  const waivers = Array.from({ length: 1000 }, (_, i) => waiver({}, { vulnerability: `CVE-2026-${i}` }, `w${i}`));
  const scan = trivy(vulnerabilities);
  const list = `[${waivers.join(',')}]`;
  const given = input({ scans: [scan], waivers: [list] });
  const startedMs = performance.now();
  const verdict = evaluate(given);
  const tookMs = performance.now() - startedMs;
  assert.equal(verdict.findings.length, 10_000);
  assert.equal(verdict.waivers.filter((w) => w.state === 'matched').length, 1000);
  assert.ok(tookMs < 1000, `took ${tookMs} ms`);
});

test('nothing that a scan or a test report may contain throws', () => {
  const keys = [
    'Results',
    'matches',
    'descriptor',
    'findings',
    'imageScanFindings',
    'imageScanStatus',
    'runs',
    'version',
    'SchemaVersion',
    'vulnerability',
    'cvss',
    'id',
    'Vulnerabilities',
    'CVSS',
    'results',
    'tool',
    'elements',
    'steps',
    'testCase',
    'testStepFinished',
    '__proto__',
  ];
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      fc.string(),
      fc.double(),
      fc.constant(null),
      fc.boolean(),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('node'), { maxKeys: 5 }),
    ),
  })).node;
  fc.assert(
    fc.property(
      fc.oneof(
        tree.map((v) => JSON.stringify(v)),
        fc.string(),
        fc.string().map((s) => `<testsuite>${s}`),
      ),
      (text) => {
        const verdict = run({ scans: [text], tests: [text] }, { image });
        assert.equal(verdict.verdict, 'refuse');
      },
    ),
    { numRuns: 300 },
  );
});
