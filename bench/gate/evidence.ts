/** Large reports, made: as many findings as asked for, a fifth of them High, the first thousand of those waived. */

export const digest = `sha256:${'a1'.repeat(32)}`;
export const image = 'registry.example/acme/app';

interface Made {
  readonly id: string;
  readonly name: string;
  readonly score: number;
  readonly label: string;
}

function made(count: number): Made[] {
  return Array.from({ length: count }, (_, i) => {
    const high = i % 5 === 0;
    return {
      id: `CVE-2026-${10_000 + i}`,
      name: `library-${i % 700}`,
      score: high ? 7 + (i % 20) / 10 : (i % 69) / 10,
      label: high ? 'HIGH' : 'MEDIUM',
    };
  });
}

/** As long as real ones are: Trivy and Grype quote each vulnerability's description. */
const description = 'A crafted request makes the parser read past the end of its buffer. '.repeat(8);

export function trivy(count: number, now: Date): string {
  return JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: now.toISOString(),
    ArtifactName: `${image}@${digest}`,
    ArtifactType: 'container_image',
    Metadata: { RepoDigests: [`${image}@${digest}`] },
    Results: [
      {
        Target: 'app (debian 12)',
        Class: 'os-pkgs',
        Type: 'debian',
        Vulnerabilities: made(count).map(({ id, name, score, label }) => ({
          VulnerabilityID: id,
          PkgID: `${name}@1.0`,
          PkgName: name,
          PkgIdentifier: { PURL: `pkg:deb/debian/${name}@1.0?arch=amd64&distro=debian-12` },
          InstalledVersion: '1.0',
          Status: 'affected',
          SeveritySource: 'debian',
          PrimaryURL: `https://vulnerabilities.example/${id}`,
          Title: 'out-of-bounds read',
          Description: description,
          Severity: label,
          CVSS: {
            nvd: { V3Vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H', V3Score: score },
            redhat: { V3Vector: 'CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H', V3Score: score / 2 },
          },
          References: Array.from({ length: 4 }, (_, n) => `https://advisories.example/${id}/${n}`),
        })),
      },
    ],
  });
}

export function grype(count: number, now: Date): string {
  return JSON.stringify({
    matches: made(count).map(({ id, name, score, label }) => ({
      vulnerability: {
        id,
        namespace: 'debian:distro:debian:12',
        severity: label[0] + label.slice(1).toLowerCase(),
        description,
        cvss: [],
        fix: { versions: [], state: 'not-fixed' },
      },
      relatedVulnerabilities: [
        { id, namespace: 'nvd:cpe', description, cvss: [{ version: '3.1', metrics: { baseScore: score } }] },
      ],
      artifact: { name, version: '1.0', type: 'deb', purl: `pkg:deb/debian/${name}@1.0?arch=amd64` },
    })),
    source: { type: 'image', target: { userInput: image, repoDigests: [`${image}@${digest}`] } },
    distro: { name: 'debian', version: '12' },
    descriptor: { name: 'grype', timestamp: now.toISOString() },
  });
}

export function junit(): string {
  return '<testsuite name="api" tests="1"><testcase classname="api" name="answers"/></testsuite>';
}

export function waivers(count: number, now: Date): object[] {
  return Array.from({ length: count }, (_, i) => ({
    apiVersion: 'postern.dev/v1',
    kind: 'Waiver',
    metadata: { name: `waiver-${i}` },
    spec: {
      statement: {
        vulnerability: { name: `CVE-2026-${10_000 + i * 5}` },
        status: 'not_affected',
        justification: 'vulnerable_code_not_in_execute_path',
        products: [
          {
            '@id': `pkg:oci/app@${digest.replace(':', '%3A')}?repository_url=${image}`,
            subcomponents: [{ '@id': `pkg:deb/debian/library-${(i * 5) % 700}` }],
          },
        ],
      },
      owner: 'dev@acme.example',
      approver: 'security@sandbox.example',
      reason: 'The service never calls this parser.',
      scope: { images: [`${image}@${digest}`] },
      expiry: new Date(now.getTime() + 30 * 86_400_000).toISOString(),
    },
  }));
}
