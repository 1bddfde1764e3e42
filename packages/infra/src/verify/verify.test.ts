/** From facts to causes: the table itself, and the symptoms that lead into it. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { loadDocument } from '@postern/core';
import { instanceOf } from '../config/model.ts';
import { instanceSchema } from '../config/schema.ts';
import { synthesize } from '../stacks/synth.ts';
import { exampleText } from '../testdata/example.ts';
import { readVpn, unknownAnswers } from '../vpn/read.ts';
import { diagnose, endpointCauses, networkCauses, tunnelCauses, type TunnelSymptoms } from './causes.ts';
import type { AmazonFacts, GoogleFacts } from './facts.ts';
import { endpointChecks, vpnChecks } from './vpn-checks.ts';

const healthy: TunnelSymptoms = {
  googleTunnel: 'ESTABLISHED',
  awsIpsec: 'up',
  googleBgp: 'up',
  awsBgp: 'up',
  outside: 'agree',
  proposal: 'agree',
  ike: 'agree',
  asn: 'agree',
  inside: 'agree',
  googleLearned: 'some',
  awsLearned: 'some',
  ranges: 'fit',
};

function design(highAvailable = true) {
  const stacks = synthesize(instanceOf(loadDocument('config.yaml', exampleText({ highAvailable }), instanceSchema)));
  return readVpn({ awsvpc: stacks.get('awsvpc')!, awsvpn: stacks.get('awsvpn')! }, '10.128.0.0/20', unknownAnswers);
}

suite('reading the stack', () => {
  for (const highAvailable of [true, false])
    test(`wiring, highAvailable ${highAvailable}`, () => {
      const { tunnels, aws } = design(highAvailable);
      assert.equal(tunnels.length, highAvailable ? 4 : 2);
      assert.equal(aws.connections.length, highAvailable ? 2 : 1);
      for (const [i, tunnel] of tunnels.entries()) {
        assert.deepEqual([tunnel.connection, tunnel.number], [Math.floor(i / 2), (i % 2) + 1]);
        assert.equal(tunnel.gcp.gatewayInterface, Math.floor(i / 2));
        assert.equal(tunnel.gcp.peerOutside, tunnel.aws.outside);
        assert.equal(tunnel.aws.peerOutside, tunnel.gcp.outside);
        assert.equal(tunnel.aws.key.reveal(), tunnel.gcp.key.reveal());
      }
      assert.equal(new Set(tunnels.map(({ aws: end }) => end.key.reveal())).size, tunnels.length);
    });
});

suite('the decision table', () => {
  const rows = [...tunnelCauses, ...networkCauses, ...endpointCauses];

  test('a healthy tunnel has no cause', () => assert.equal(diagnose(tunnelCauses, healthy), undefined));

  test('every row says what to do next, and can be reached past the rows before it', () => {
    for (const row of rows) assert.ok(row.cause.length > 10 && row.next.length > 10, row.id);
    for (const row of tunnelCauses) {
      const first = Object.fromEntries(Object.entries(row.when).map(([key, values]) => [key, values[0]]));
      const found = diagnose(tunnelCauses, { ...healthy, ...first });
      assert.equal(found?.id, row.id);
    }
  });

  test('a wrong key and a wrong proposal are told apart', () => {
    const down = { ...healthy, awsIpsec: 'down', googleBgp: 'down', awsBgp: 'down' } as const;
    assert.equal(diagnose(tunnelCauses, { ...down, googleTunnel: 'AUTHORIZATION_ERROR' })?.id, 'wrong-key');
    const refused = { ...down, googleTunnel: 'NEGOTIATION_FAILURE' };
    assert.equal(diagnose(tunnelCauses, { ...refused, proposal: 'differ' })?.id, 'wrong-proposal');
    assert.equal(diagnose(tunnelCauses, { ...refused, ike: 'differ' })?.id, 'wrong-ike-version');
    assert.equal(diagnose(tunnelCauses, refused)?.id, 'proposal-refused');
  });
});

suite('facts', () => {
  const wanted = design();
  const google: GoogleFacts = {
    router: undefined,
    peerStatus: new Map(),
    learnedRanges: [],
    tunnels: new Map(),
    gatewayAddresses: [],
  };
  const amazon: AmazonFacts = { connections: [], gateway: undefined, routeTable: undefined, endpoints: [] };

  test('nothing deployed yet: every check fails with its cause, none throws', () => {
    const checks = [...vpnChecks(wanted, google, amazon), ...endpointChecks(wanted, amazon)];
    assert.deepEqual(
      checks.map((check) => check.causeID),
      ['tunnel-absent', 'tunnel-absent', 'tunnel-absent', 'tunnel-absent', 'router-absent', 'endpoint-absent'],
    );
  });

  test('a status that no row knows is no reason to call a tunnel sound', () => {
    const tunnel = { status: 'SOMETHING_NEW', detail: '', peerIp: '', ikeVersion: 2 };
    const peers = wanted.tunnels.map(({ gcp }) => ({
      name: gcp.peerName,
      interfaceName: gcp.routerInterface,
      ip: '',
      peerIp: gcp.peerInside,
      peerAsn: gcp.peerAsn,
      enabled: true,
    }));
    const aws = {
      outside: 'x',
      insideCIDR: undefined,
      ikeVersions: undefined,
      phase1: {},
      phase2: {},
      up: false,
      message: 'IPSEC IS DOWN',
      acceptedRoutes: 0,
    };
    const checks = vpnChecks(
      wanted,
      {
        ...google,
        router: { asn: 64_514, advertised: [], interfaces: [], peers },
        tunnels: new Map(wanted.tunnels.map(({ name }) => [name, tunnel])),
      },
      {
        ...amazon,
        connections: wanted.aws.connections.map(({ name }) => ({
          name,
          id: 'vpn-1',
          state: 'available',
          customerGateway: undefined,
          tunnels: [aws, aws],
        })),
      },
    );
    assert.deepEqual(
      checks.slice(0, 4).map(({ causeID }) => causeID),
      Array(4).fill('unexplained'),
    );
  });

  test('Google’s half alone is told where AWS cannot be asked', () => {
    const [first] = wanted.tunnels;
    const seen = { status: 'AUTHORIZATION_ERROR', detail: '', peerIp: '', ikeVersion: 2 };
    const checks = vpnChecks(wanted, { ...google, tunnels: new Map([[first!.name, seen]]) }, undefined);
    assert.deepEqual(
      checks.map(({ causeID }) => causeID),
      ['wrong-key', 'tunnel-absent', 'tunnel-absent', 'tunnel-absent', 'router-absent'],
    );
    assert.match(checks[0]!.detail, /AWS: not asked/);
  });

  test('an endpoint that waits names who must accept; a closed group and missing private DNS are found', () => {
    const [endpoint] = wanted.aws.endpoints;
    const seen = {
      id: 'vpce-1',
      name: endpoint!.name,
      serviceName: endpoint!.serviceName,
      state: 'pendingAcceptance',
      privateDns: false,
      dnsNames: [],
      ingress: [{ cidr: '10.0.0.0/8', fromPort: 1, toPort: 65_535 }],
    };
    const check = (change: object) => endpointChecks(wanted, { ...amazon, endpoints: [{ ...seen, ...change }] })[0]!;
    assert.equal(check({}).causeID, 'endpoint-pending');
    assert.match(check({}).next!, /accept-vpc-endpoint-connections/);
    assert.equal(check({ state: 'available' }).verdict, 'ok');
    assert.equal(check({ state: 'available', ingress: [] }).causeID, 'security-group');
    assert.equal(check({ state: 'rejected' }).causeID, 'endpoint-rejected');
  });
});
