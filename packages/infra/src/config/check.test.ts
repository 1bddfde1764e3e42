/** Every mistake the contract names is found, all of them at once, each at its place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, formatDiagnostic } from '@postern/core';
import * as fc from 'fast-check';
import { exampleText } from '../testdata/example.ts';
import { parseInstance } from './load.ts';

function problems(text: string): string[] {
  try {
    return parseInstance('c.yaml', text).diagnostics.map(formatDiagnostic);
  } catch (error) {
    if (error instanceof ConfigError) return error.diagnostics.map(formatDiagnostic);
    throw error;
  }
}

test('the example is valid, and every default is what the contract says', () => {
  assert.deepEqual(problems(exampleText()), []);
  const { instance } = parseInstance('c.yaml', minimal());
  assert.equal(instance.gcp.cluster, 'acme');
  assert.deepEqual(instance.gcp.nodeCIDRs, ['10.128.0.0/9']);
  assert.deepEqual(instance.gcp.podCIDRs, []);
  assert.equal(instance.gcp.network, 'default');
  assert.equal(instance.aws?.vpcCIDR, '10.200.0.0/20');
  assert.deepEqual(instance.vpn, { gcpASN: 64514, awsASN: 64512, advertise: [] });
  assert.equal(instance.nat?.staticIPs, 2);
  assert.deepEqual(
    instance.aws?.privateLinks.map(({ ports, privateDnsEnabled }) => ({ ports, privateDnsEnabled })),
    [{ ports: [443], privateDnsEnabled: false }],
  );
});

function minimal(): string {
  return `apiVersion: postern.dev/v1
kind: Instance
metadata: {name: acme}
spec:
  infrastructure:
    gcp: {projectID: acme-project, region: us-central1}
    nat: {enabled: true}
    privateCodeHost:
      enabled: true
      aws:
        accountID: "123456789012"
        region: us-east-1
        privateLinks: [{endpoint: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0}]
`;
}

test('a defaulted node range that covers the VPC range warns; a written one that overlaps is an error', () => {
  assert.deepEqual(problems(minimal()).length, 1);
  assert.match(problems(minimal())[0]!, /^c\.yaml:6:10: warning: spec\.infrastructure\.gcp\.nodeCIDRs: is not set/);
  const written = problems(exampleText().replace('vpcCIDR: 10.200.0.0/20', 'vpcCIDR: 10.128.0.0/16'));
  assert.deepEqual(written, [
    'c.yaml:22:18: spec.infrastructure.privateCodeHost.aws.vpcCIDR: 10.128.0.0/16 overlaps 10.128.0.0/20 (gcp.nodeCIDRs[0]): each side of the VPN needs ranges of its own',
  ]);
});

const mistakes: ReadonlyArray<readonly [what: string, from: string, to: string, message: RegExp]> = [
  [
    'unquoted account',
    '"123456789012"',
    '123456789012',
    /accountID: is a number because it has no quotes; write "1234/,
  ],
  ['short account', '"123456789012"', '"12345"', /accountID: "12345" is not an AWS account id/],
  ['unknown AWS region', 'region: eu-central-1', 'region: eu-central-9', /"eu-central-9" is not a region of AWS/],
  ['unknown GCP region', 'europe-west3', 'europe-wets3', /is not a region of Google Cloud, did you mean europe-west3/],
  [
    'endpoint elsewhere',
    'region: eu-central-1',
    'region: eu-west-1',
    /endpoint: lies in eu-central-1, the VPC in eu-west-1/,
  ],
  [
    'not an endpoint',
    'vpce-svc-0123456789abcdef0\n            ports',
    'vpce-0123\n            ports',
    /is not an endpoint service name/,
  ],
  [
    'route onto itself',
    'destination: vpce-0a1b.vpce-svc-0123456789abcdef0.eu-central-1.vpce.amazonaws.com',
    'destination: GITLAB.internal.acme.example.',
    /is a route onto itself/,
  ],
  ['unknown key', 'staticIPs', 'staticIps', /nat\.staticIps: unknown key, did you mean staticIPs\?/],
  [
    'overlap',
    'podCIDRs: [10.64.0.0/14]',
    'podCIDRs: [10.128.0.0/16]',
    /podCIDRs\[0\]: 10\.128\.0\.0\/16 overlaps 10\.128\.0\.0\/20/,
  ],
  [
    'advertised overlap',
    'advertise: []',
    'advertise: [10.200.1.0/24]',
    /overlaps 10\.200\.1\.0\/24 \(vpn\.advertise\[0\]\)/,
  ],
  ['vpc too wide', 'vpcCIDR: 10.200.0.0/20', 'vpcCIDR: 10.192.0.0/12', /must be \/16 to \/24/],
  ['same ASN', 'awsASN: 64512', 'awsASN: 64514', /64514 is also gcpASN/],
  ['public ASN', 'awsASN: 64512', 'awsASN: 15169', /15169 is not a private ASN/],
  ['port', 'ports: [443]', 'ports: [443, 70000, 443]', /ports\[1\]: is not a port/],
  ['port twice', 'ports: [443]', 'ports: [443, 443]', /ports\[1\]: 443 is listed twice/],
  ['IPv6', 'nodeCIDRs: [10.128.0.0/20]', 'nodeCIDRs: ["2001:db8::/32"]', /is IPv6; this network is IPv4/],
  ['bad source range', '203.0.113.0/24', '203.0.113.7/24', /has host bits set; the network is 203\.0\.113\.0\/24/],
  ['missing', '        region: eu-central-1\n', '', /aws\.region: is missing/],
];

for (const [what, from, to, message] of mistakes)
  test(`found: ${what}`, () => {
    const text = exampleText();
    assert.ok(text.includes(from), `the example has ${from}`);
    const found = problems(text.replace(from, to));
    assert.ok(
      found.some((line) => message.test(line)),
      found.join('\n'),
    );
    for (const line of found) assert.match(line, /^c\.yaml:\d+:\d+: /);
  });

test('all of them at once, in the order of the file', () => {
  const chosen = mistakes.filter(([what]) =>
    ['unquoted account', 'unknown GCP region', 'route onto itself', 'overlap', 'unknown key', 'same ASN'].includes(
      what,
    ),
  );
  const text = chosen.reduce((at, [, from, to]) => at.replace(from, to), exampleText());
  const found = problems(text);
  for (const [what, , , message] of chosen)
    assert.ok(
      found.some((line) => message.test(line)),
      what,
    );
  const lines = found.map((line) => Number(line.split(':')[1]));
  assert.deepEqual(
    lines,
    lines.toSorted((a, b) => a - b),
  );
});

test('loops and chains of routes are found', () => {
  const routes = (list: string): string =>
    exampleText().replace(/ {8}- source: gitlab[\s\S]*?amazonaws\.com\n/, `        [${list}]\n`);
  const loop = problems(routes('{source: a.x, destination: b.x}, {source: b.x, destination: a.x}'));
  assert.equal(loop.filter((line) => line.includes('a loop of routes')).length, 2);
  const chain = problems(routes('{source: a.x, destination: b.x}, {source: b.x, destination: c.x}'));
  assert.deepEqual(chain.length, 1);
  assert.match(chain[0]!, /routes\[0\]\.destination: b\.x is itself routed/);
});

test('property: no document makes the loader throw anything but ConfigError', () => {
  const key = fc.constantFrom(
    'spec',
    'infrastructure',
    'gcp',
    'privateCodeHost',
    'aws',
    'privateLinks',
    'privateDNS',
    'routes',
    'connect',
    'rules',
    'gke',
    'type',
    'domain',
    'privateLink',
    'privateDnsEnabled',
    'enabled',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom(null, true, 0, 'x', '10.0.0.0/8', 'awsvpn'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      const nested = { spec: { infrastructure: value, privateCodeHost: value } };
      for (const document of [value, { spec: value }, nested]) problems(JSON.stringify(document));
    }),
    { numRuns: 300 },
  );
});
