/** Small reports for the tests, written by hand from the tools' documented schemas; not outputs of the tools themselves. */
import { parseImage, type Image } from './image.ts';
import { defaultPolicy } from './policy.ts';
import { parseScan } from './scan/index.ts';
import { parseTests } from './tests/index.ts';
import type { GateInput } from './evaluate.ts';
import { readWaivers } from './waiver.ts';

export const digest = `sha256:${'a1'.repeat(32)}`;
export const image = parseImage(`registry.example/acme/app@${digest}`) as Image;
export const nowMs = Date.UTC(2026, 10, 21, 12);
const hour = 3_600_000;

export interface Vulnerability {
  readonly id?: string;
  readonly score?: number | string;
  readonly v2?: number;
  readonly v4?: number;
  readonly label?: string;
  readonly pkg?: string;
}

/** Trivy's JSON, schema 2. */
export function trivy(vulnerabilities: readonly Vulnerability[], more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: new Date(nowMs - hour).toISOString(),
    ArtifactName: 'registry.example/acme/app',
    ArtifactType: 'container_image',
    Metadata: { RepoDigests: [`registry.example/acme/app@${digest}`] },
    Results: [
      {
        Target: 'app (debian 12)',
        Class: 'os-pkgs',
        Type: 'debian',
        Vulnerabilities: vulnerabilities.map(
          ({ id = 'CVE-2026-0001', score, v2, v4, label = 'UNKNOWN', pkg = 'libexample' }) => ({
            VulnerabilityID: id,
            PkgName: pkg,
            PkgIdentifier: { PURL: `pkg:deb/debian/${pkg}@1.0?arch=amd64` },
            InstalledVersion: '1.0',
            Severity: label,
            CVSS: {
              nvd: {
                ...(score === undefined ? {} : { V3Score: score }),
                ...(v2 === undefined ? {} : { V2Score: v2 }),
                ...(v4 === undefined ? {} : { V40Score: v4 }),
              },
            },
          }),
        ),
      },
    ],
    ...more,
  });
}

/** JUnit, dated an hour ago. */
export function junit(cases = '<testcase classname="api" name="answers"/>', attributes = 'tests="1"'): string {
  const when = new Date(nowMs - hour).toISOString().slice(0, 19);
  return `<?xml version="1.0"?><testsuites><testsuite name="api" ${attributes} timestamp="${when}">${cases}</testsuite></testsuites>`;
}

export function waiver(
  more: Record<string, unknown> = {},
  statement: Record<string, unknown> = {},
  name = 'waived',
): string {
  return JSON.stringify({
    apiVersion: 'postern.dev/v1',
    kind: 'Waiver',
    metadata: { name },
    spec: {
      statement: {
        vulnerability: { name: 'CVE-2026-0001' },
        status: 'not_affected',
        justification: 'vulnerable_code_not_present',
        ...statement,
      },
      owner: 'dev@acme.example',
      approver: 'admin@sandbox.example',
      reason: 'The parser is compiled out.',
      scope: { images: ['registry.example/acme/app'] },
      expiry: '2026-12-31T00:00:00Z',
      ...more,
    },
  });
}

export interface Given {
  readonly scans?: readonly string[];
  readonly tests?: readonly string[];
  readonly waivers?: readonly string[];
}

export function input(
  { scans = [trivy([])], tests = [junit()], waivers = [] }: Given,
  more: Partial<GateInput> = {},
): GateInput {
  return {
    image,
    scans: scans.map((text, i) => ({ report: parseScan(text), sha256: `${i}`.repeat(64) })),
    tests: tests.map((text, i) => ({ report: parseTests(text), sha256: `${i}`.repeat(64) })),
    waivers: waivers.flatMap((text, i) => readWaivers(`waivers-${i}.json`, text)),
    policy: defaultPolicy,
    nowMs,
    ...more,
  };
}
