/** The pure parts of the VPN lab: what the daemons are told, what they say, what the clouds' APIs answer from it. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Secret, type VpnDesign } from '@postern/core';
import { answer } from '../gcp/server.ts';
import { labAnswers } from './answers.ts';
import { awsInside, birdConfig, parseProtocols, parseRoutes, peerings } from './bird-config.ts';
import { hitBy, isBroken, merge } from './breakages.ts';
import { ec2Answer, toXml } from './ec2.ts';
import { faults, parseFault } from './faults.ts';
import { parseForwarding } from './forwarding.ts';
import { swanctlConfig } from './ike-config.ts';
import { proposalText } from './proposals.ts';
import { refusals } from './rules.ts';
import { imaginedState } from './state.ts';
import { lanAddresses } from './topology.ts';

const answers = labAnswers();
const proposal = {
  encryption: ['AES256-GCM-16'],
  integrity: ['SHA2-512'],
  dhGroups: [21],
  lifetimeSeconds: 28_800,
};

function designOf(): VpnDesign {
  const tunnels = [0, 1, 2, 3].map((i) => {
    const connection = i < 2 ? 0 : 1;
    const number = i % 2 === 0 ? (1 as const) : (2 as const);
    const key = new Secret(`k${answers.password(`psk_${i}`, 31)}`);
    const gcpOutside = answers.gatewayAddress(connection);
    const awsOutside = answers.tunnelAddress(connection, number);
    const base = 4 * i;
    return {
      name: `tunnel-${i}`,
      connection,
      number,
      gcp: {
        outside: gcpOutside,
        peerOutside: awsOutside,
        gatewayInterface: connection,
        peerInterface: i,
        routerInterface: `if-${i}`,
        peerName: `peer-${i}`,
        inside: `169.254.21.${base + 2}/30`,
        peerInside: `169.254.21.${base + 1}`,
        peerAsn: 64_512,
        keepaliveSeconds: 20,
        key,
      },
      aws: {
        outside: awsOutside,
        peerOutside: gcpOutside,
        insideCIDR: `169.254.21.${base}/30`,
        peerAsn: 64_514,
        key,
        phase1: proposal,
        phase2: proposal,
        dpdSeconds: 30,
      },
    };
  });
  return {
    project: 'p-1',
    region: 'europe-west3',
    network: 'default',
    router: 'vpn',
    gateway: 'gw',
    externalGateway: 'aws',
    gcpAsn: 64_514,
    awsAsn: 64_512,
    advertised: ['10.128.0.0/20'],
    appCIDR: '10.128.0.0/20',
    vpcCIDR: '10.200.0.0/20',
    gatewayAddresses: [0, 1].map((i) => answers.gatewayAddress(i)),
    tunnels,
    aws: {
      region: 'eu-central-1',
      accountID: '123456789012',
      vpcName: 'vpc',
      vpnGatewayName: 'vgw',
      routeTableName: 'private',
      propagated: true,
      connections: [0, 1].map((i) => ({
        name: `c-${i}`,
        customerGatewayName: `cgw-${i}`,
        customerGatewayAddress: answers.gatewayAddress(i),
        customerGatewayAsn: 64_514,
      })),
      endpoints: [
        {
          name: 'e',
          serviceName: 's',
          privateDns: false,
          groupName: 'g',
          ingress: [{ cidr: '10.128.0.0/20', fromPort: 443, toPort: 443 }],
        },
      ],
    },
  };
}

suite('what the daemons are told', () => {
  test('a proposal in AWS’s words becomes strongSwan’s; AEAD takes its hash as PRF, in phase 1 only', () => {
    assert.equal(proposalText(1, proposal), 'aes256gcm16-prfsha512-ecp521');
    assert.equal(proposalText(2, proposal), 'aes256gcm16-ecp521');
    const cbc = { ...proposal, encryption: ['AES128'], integrity: ['SHA2-256'], dhGroups: [14] };
    assert.equal(proposalText(1, cbc), 'aes128-sha256-modp2048');
    assert.throws(() => proposalText(1, { ...proposal, encryption: ['DES'] }), /phase 1: DES is not an algorithm/);
  });

  test('each end has its own key and its peer’s address', () => {
    const tunnel = designOf().tunnels[2]!;
    const changed = { ...tunnel, aws: { ...tunnel.aws, key: new Secret('another') } };
    assert.match(swanctlConfig(changed, 'aws'), /secret = "another"/);
    assert.ok(swanctlConfig(changed, 'gcp').includes(`secret = "${tunnel.gcp.key.reveal()}"`));
    assert.match(swanctlConfig(changed, 'gcp'), /remote_addrs = 198\.51\.101\.1\n/);
    assert.match(swanctlConfig(changed, 'aws'), /start_action = none/);
  });

  test('the VPN gateway has the first usable address of a /30; AWS’s hold time is 30 s, Google’s three keepalives', () => {
    assert.deepEqual(awsInside('169.254.21.4/30'), ['169.254.21.5', '169.254.21.6']);
    const [aws] = peerings(designOf(), 'aws');
    const [gcp] = peerings(designOf(), 'gcp');
    assert.deepEqual([aws?.local, aws?.neighbor, aws?.holdSeconds], ['169.254.21.1', '169.254.21.2', 30]);
    assert.deepEqual([gcp?.local, gcp?.neighbor, gcp?.holdSeconds], ['169.254.21.2', '169.254.21.1', 60]);
    const text = birdConfig({
      routerId: '192.0.2.1',
      advertise: ['10.0.0.0/8'],
      peerings: [aws!],
      ecmp: false,
      install: false,
    });
    assert.match(text, /route 10\.0\.0\.0\/8 unreachable;/);
    assert.match(text, /RTS_BGP && false/);
  });

  test('a /9 gives addresses at its start', () => {
    assert.deepEqual(lanAddresses('10.128.0.0/9'), ['10.128.0.1', '10.128.0.10']);
  });
});

suite('what the daemons say', () => {
  test('birdc’s protocols and routes', () => {
    const text = `BIRD 2.0.12 ready.
Name       Proto      Table      State  Since         Info
t0         BGP        ---        up     01:02:03.000  Established
  BGP state:          Established
  Channel ipv4
    Routes:         2 imported, 1 exported, 2 preferred
t1         BGP        ---        start  01:02:03.000  Idle          BGP Error: Bad peer AS
  BGP state:          Idle
  Last error:       Received: Bad peer AS
`;
    assert.deepEqual(parseProtocols(text), [
      { name: 't0', state: 'Established', learned: 2, lastError: undefined },
      { name: 't1', state: 'Idle', learned: 0, lastError: 'Received: Bad peer AS' },
    ]);
    const routes = `Table master4:
10.200.0.0/20        unicast [t0 01:02:03.000] * (100) [AS64512i]
	via 169.254.21.1 on tun0
                     unicast [t1 01:02:03.000] (100) [AS64512i]
10.64.0.0/14         unreachable [advertised 01:02:03.000] * (200)
`;
    assert.deepEqual(
      [...parseRoutes(routes)],
      [
        ['t0', ['10.200.0.0/20']],
        ['t1', ['10.200.0.0/20']],
      ],
    );
  });
});

suite('the route table', () => {
  test('what BGP brought counts as propagated, unless a route made by hand is in its place', () => {
    const text = `10.64.0.0/14 via 169.254.21.2 dev tun0 proto bird metric 32
blackhole 10.128.0.0/20
10.128.0.0/20 proto bird metric 32
	nexthop via 169.254.21.2 dev tun0 weight 1
10.200.0.0/24 dev lan0 proto kernel scope link src 10.200.0.1
`;
    assert.deepEqual(parseForwarding(text), { propagated: ['10.64.0.0/14'], fixed: ['10.128.0.0/20'] });
  });
});

suite('what a cloud would refuse', () => {
  test('nothing of a sound design', () => assert.deepEqual(refusals(designOf()), []));

  test('a reserved or a doubled inside range, a doubled key, a key that begins with 0', () => {
    const design = designOf();
    const change = (i: number, aws: Partial<VpnDesign['tunnels'][number]['aws']>) => ({
      ...design,
      tunnels: design.tunnels.map((t, n) => (n === i ? { ...t, aws: { ...t.aws, ...aws } } : t)),
    });
    assert.match(refusals(change(1, { insideCIDR: '169.254.169.252/30' }))[0]!, /AWS reserves/);
    assert.match(refusals(change(1, { insideCIDR: '169.254.21.0/30' }))[0]!, /is taken by tunnel-0/);
    assert.match(refusals(change(1, { key: design.tunnels[0]!.aws.key }))[0]!, /has the same key as tunnel-0/);
    assert.match(refusals(change(1, { key: new Secret(`0${'a'.repeat(31)}`) }))[0]!, /does not begin with 0/);
  });
});

suite('faults', () => {
  test('each changes the design, cuts or breaks something', () => {
    const design = designOf();
    const shown = (d: VpnDesign): string =>
      JSON.stringify([d, d.tunnels.map(({ aws, gcp }) => [aws.key.reveal(), gcp.key.reveal()])]);
    for (const fault of faults) {
      const changed = shown(fault.apply(design, 0)) !== shown(design);
      const broken = Object.values(fault.breaks?.(design, 0) ?? {});
      assert.ok(
        changed || (fault.cuts?.(design, 0).length ?? 0) > 0 || broken.some((hit) => hit.length > 0),
        fault.name,
      );
    }
  });

  test('a fault of a connection hits both of its tunnels, one of the network all; several add up', () => {
    const design = designOf();
    assert.deepEqual(hitBy('peer-absent', design, 2), [2]);
    assert.deepEqual(hitBy('narrowed', design, 2), [2, 3]);
    assert.deepEqual(hitBy('router-absent', design, 0), [0, 1, 2, 3]);
    const broken = merge([{ narrowed: [2, 3] }, { unfinished: [0] }, { unfinished: [1] }]);
    assert.deepEqual(broken, { narrowed: [2, 3], unfinished: [0, 1] });
    assert.ok(isBroken(broken, 'unfinished') && isBroken(broken, 'narrowed', 3) && !isBroken(broken, 'narrowed', 0));
  });

  test('a name that is none, and a tunnel that is none, are refused', () => {
    assert.equal(parseFault('wrong-key=3', 4).tunnel, 3);
    assert.throws(() => parseFault('wrong-kye', 4), /there is no fault/);
    assert.throws(() => parseFault('wrong-key=4', 4), /no such tunnel/);
  });
});

suite('the clouds’ answers', () => {
  const state = imaginedState(designOf(), ['tunnel-1'], '2026-01-01T00:00:00Z');
  const get = (path: string) => answer('GET', `/compute/v1/projects/p-1/${path}`, { vpn: state });

  test('a session that is down is down, and its tunnel too', () => {
    const { body } = get('regions/europe-west3/routers/vpn/getRouterStatus');
    const { result } = body as {
      result: { bgpPeerStatus: { name: string; status: string; numLearnedRoutes: number }[] };
    };
    assert.deepEqual(
      result.bgpPeerStatus.map((peer) => `${peer.name} ${peer.status} ${peer.numLearnedRoutes}`),
      ['peer-0 UP 1', 'peer-1 DOWN 0', 'peer-2 UP 1', 'peer-3 UP 1'],
    );
    const tunnel = get('regions/europe-west3/vpnTunnels/tunnel-1').body as { status: string };
    assert.equal(tunnel.status, 'NO_INCOMING_PACKETS');
  });

  test('what is not there is 404 in Google’s form, whatever the path; writes are refused', () => {
    for (const path of [
      'regions/europe-west3/vpnTunnels/none',
      'regions/us-east1/routers/vpn',
      'zones/z/instances',
      'global/x/y/z',
    ])
      assert.equal(get(path).status, 404, path);
    assert.equal(answer('GET', '/compute/v1/projects/other/aggregated/routers', { vpn: state }).status, 404);
    assert.equal(answer('GET', '/', { vpn: state }).status, 404);
    assert.equal(answer('POST', '/compute/v1/projects/p-1/regions/europe-west3/routers', { vpn: state }).status, 405);
  });

  test('EC2 tells IPsec from BGP, and no answer of either cloud holds a key', () => {
    const text = toXml(ec2Answer('DescribeVpnConnections', state)!);
    assert.match(text, /<status>DOWN<\/status><statusMessage>IPSEC IS DOWN<\/statusMessage>/);
    assert.match(text, /<status>UP<\/status><statusMessage>1 BGP ROUTES<\/statusMessage>/);
    const all = JSON.stringify([
      state,
      get('aggregated/vpnTunnels').body,
      get('aggregated/routers').body,
      ...['DescribeVpnConnections', 'DescribeRouteTables', 'DescribeSecurityGroups'].map((action) =>
        ec2Answer(action, state),
      ),
    ]);
    for (const { aws } of designOf().tunnels) assert.ok(!all.includes(aws.key.reveal()));
    assert.equal(ec2Answer('RunInstances', state), undefined);
  });
});
