/** The stacks as JSON: counts and wiring of the VPN in both forms, who may enter, what is advertised, nothing secret, no drift. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cidrsOverlap, type Cidr, parseCidr } from '@postern/core';
import { parseInstance } from '../config/load.ts';
import { exampleText } from '../testdata/example.ts';
import { synthesize } from './synth.ts';

type Resource = Readonly<Record<string, unknown>>;
interface Json {
  readonly terraform: {
    readonly backend: unknown;
    readonly required_providers: Record<string, { source: string; version: string }>;
  };
  readonly resource: Readonly<Record<string, Readonly<Record<string, Resource>>>>;
  readonly data?: Readonly<Record<string, Readonly<Record<string, Resource>>>>;
  readonly output: Readonly<Record<string, { readonly value: unknown }>>;
}

function stack(name: Parameters<ReturnType<typeof synthesize>['get']>[0], text = exampleText()): Json {
  return synthesize(parseInstance('config.yaml', text).instance).get(name) as unknown as Json;
}

const all = (json: Json, type: string): Resource[] => Object.values(json.resource[type] ?? {});

for (const highAvailable of [true, false])
  test(`the VPN, ${highAvailable ? 'highly available' : 'not highly available'}: counts and exact wiring`, () => {
    const json = stack('awsvpn', exampleText({ highAvailable }));
    const [pairs, tunnels] = highAvailable ? [2, 4] : [1, 2];
    const count = (type: string): number => all(json, type).length;
    assert.equal(count('aws_customer_gateway'), pairs);
    assert.equal(count('aws_vpn_connection'), pairs);
    assert.equal(count('google_compute_vpn_tunnel'), tunnels);
    assert.equal(count('google_compute_router_interface'), tunnels);
    assert.equal(count('google_compute_router_peer'), tunnels);
    assert.equal(count('random_password'), tunnels);
    assert.equal(count('google_compute_ha_vpn_gateway'), 1);
    assert.equal(count('aws_vpn_gateway'), 1);
    assert.equal(count('aws_vpn_gateway_route_propagation'), 1);

    const [external] = all(json, 'google_compute_external_vpn_gateway');
    assert.equal(external!['redundancy_type'], highAvailable ? 'FOUR_IPS_REDUNDANCY' : 'TWO_IPS_REDUNDANCY');
    const outside = Array.from({ length: tunnels }, (_, k) => ({
      id: k,
      ip_address: `\${aws_vpn_connection.google_${Math.floor(k / 2)}.tunnel${(k % 2) + 1}_address}`,
    }));
    assert.deepEqual(external!['interface'], outside);

    const connections = json.resource['aws_vpn_connection']!;
    const keys = new Set<unknown>();
    for (let k = 0; k < tunnels; k++) {
      const pair = Math.floor(k / 2);
      const tunnel = json.resource['google_compute_vpn_tunnel']![`tunnel_${k}`]!;
      assert.equal(tunnel['vpn_gateway_interface'], pair);
      assert.equal(tunnel['peer_external_gateway_interface'], k);
      assert.equal(tunnel['ike_version'], 2);
      const aws = connections[`google_${pair}`]!;
      const option = (name: string): unknown => aws[`tunnel${(k % 2) + 1}_${name}`];
      assert.equal(tunnel['shared_secret'], option('preshared_key'), 'both ends have one key');
      keys.add(option('preshared_key'));
      for (const phase of ['phase1', 'phase2'])
        for (const part of ['encryption_algorithms', 'integrity_algorithms', 'dh_group_numbers'])
          assert.equal((option(`${phase}_${part}`) as unknown[]).length, 1, 'exactly one proposal a phase');
      assert.deepEqual(option('ike_versions'), ['ikev2']);
      const link = json.resource['google_compute_router_interface']![`tunnel_${k}`]!;
      const peer = json.resource['google_compute_router_peer']![`tunnel_${k}`]!;
      const [, base] = /^169\.254\.21\.(\d+)\/30$/.exec(option('inside_cidr') as string)!;
      assert.equal(link['ip_range'], `169.254.21.${Number(base) + 2}/30`);
      assert.equal(peer['ip_address'], `169.254.21.${Number(base) + 2}`);
      assert.equal(peer['peer_ip_address'], `169.254.21.${Number(base) + 1}`);
      assert.equal(peer['peer_asn'], 64512);
    }
    assert.equal(keys.size, tunnels, 'every tunnel has a key of its own');
    for (let pair = 0; pair < pairs; pair++) {
      const gateway = json.resource['aws_customer_gateway']![`google_${pair}`]!;
      assert.equal(gateway['ip_address'], `\${google_compute_ha_vpn_gateway.main.vpn_interfaces[${pair}].ip_address}`);
      assert.equal(gateway['bgp_asn'], '64514');
    }
  });

test('keys are 32 bytes, start with a letter, and exist only as references', () => {
  const json = stack('awsvpn');
  for (const password of all(json, 'random_password')) {
    assert.equal(password['length'], 31);
    assert.equal(password['special'], false);
  }
  for (const tunnel of all(json, 'google_compute_vpn_tunnel'))
    assert.match(tunnel['shared_secret'] as string, /^k\$\{random_password\.psk_\d\.result\}$/);
  assert.doesNotMatch(JSON.stringify(json.output), /psk|secret|preshared/);
});

test('inside ranges are distinct and outside what AWS reserves', () => {
  const cidr = (text: string): Cidr => parseCidr(text) as Cidr;
  const used = all(stack('awsvpn'), 'aws_vpn_connection').flatMap((connection) =>
    [1, 2].map((t) => cidr(connection[`tunnel${t}_inside_cidr`] as string)),
  );
  const reserved = [0, 1, 2, 3, 4, 5].map((n) => cidr(`169.254.${n}.0/30`));
  for (const [i, range] of used.entries())
    for (const other of [...used.slice(i + 1), ...reserved, cidr('169.254.169.252/30')])
      assert.ok(!cidrsOverlap(range, other));
});

test('who may enter and what is advertised come from the configuration and nothing else', () => {
  const json = stack(
    'awsvpn',
    exampleText().replace('ports: [443]', 'ports: [443, 22]').replace('advertise: []', 'advertise: [10.9.0.0/16]'),
  );
  const rules = all(json, 'aws_vpc_security_group_ingress_rule').map(
    (r) => `${String(r['cidr_ipv4'])}:${String(r['from_port'])}-${String(r['to_port'])}`,
  );
  assert.deepEqual(rules.toSorted(), [
    '10.128.0.0/20:22-22',
    '10.128.0.0/20:443-443',
    '10.64.0.0/14:22-22',
    '10.64.0.0/14:443-443',
  ]);
  const [router] = all(json, 'google_compute_router');
  const bgp = router!['bgp'] as Resource;
  assert.equal(bgp['advertise_mode'], 'CUSTOM');
  assert.equal(bgp['advertised_groups'], undefined);
  assert.deepEqual(
    bgp['advertised_ip_ranges'],
    ['10.128.0.0/20', '10.64.0.0/14', '10.9.0.0/16'].map((range) => ({ range })),
  );
});

test('each private link is an endpoint of its own; private DNS is on only where asked', () => {
  const two = exampleText().replace(
    '          - endpoint:',
    '          - {endpoint: com.amazonaws.vpce.eu-central-1.vpce-svc-0fedcba9876543210, privateDnsEnabled: true}\n          - endpoint:',
  );
  const endpoints = all(stack('awsvpn', two), 'aws_vpc_endpoint');
  assert.deepEqual(
    endpoints.map((e) => e['private_dns_enabled']),
    [true, false],
  );
  assert.equal(new Set(endpoints.map((e) => String(e['security_group_ids']))).size, 2);
});

test('providers are pinned, backends explicit, state outside the tree; GCS and S3 by configuration', () => {
  const { instance } = parseInstance('config.yaml', exampleText());
  for (const [name, json] of synthesize(instance)) {
    const { backend, required_providers } = (json as unknown as Json).terraform;
    assert.deepEqual(backend, { local: { path: `../../../state/${name}.tfstate` } });
    for (const { source, version } of Object.values(required_providers)) {
      assert.match(source, /^hashicorp\//);
      assert.match(version, /^\d+\.\d+\.\d+$/);
    }
  }
  const gcs = stack('awsvpn', `${exampleText()}  terraform: {backend: {gcs: {bucket: acme-state}}}\n`);
  assert.deepEqual(gcs.terraform.backend, { gcs: { bucket: 'acme-state', prefix: 'src-0123456789abcdef0123/awsvpn' } });
  assert.deepEqual(gcs.data!['terraform_remote_state']!['awsvpc']!['config'], {
    bucket: 'acme-state',
    prefix: 'src-0123456789abcdef0123/awsvpc',
  });
  const s3 = stack('awsvpc', `${exampleText()}  terraform: {backend: {s3: {bucket: acme-state, region: eu-west-1}}}\n`);
  assert.deepEqual(s3.terraform.backend, {
    s3: {
      bucket: 'acme-state',
      region: 'eu-west-1',
      key: 'src-0123456789abcdef0123/awsvpc.tfstate',
      encrypt: true,
      use_lockfile: true,
    },
  });
});

test('what must not be replaced says so', () => {
  const guarded = (json: Json): string[] =>
    Object.entries(json.resource).flatMap(([type, named]) =>
      Object.entries(named).flatMap(([id, r]) =>
        (r['lifecycle'] as Resource | undefined)?.['prevent_destroy'] === true ? [`${type}.${id}`] : [],
      ),
    );
  assert.deepEqual(guarded(stack('nat')), ['google_compute_address.egress_0', 'google_compute_address.egress_1']);
  assert.deepEqual(guarded(stack('awsvpn')), ['google_compute_ha_vpn_gateway.main']);
  assert.deepEqual(guarded(stack('connect')), [
    'google_compute_address.server',
    'google_privateca_certificate_authority.root',
  ]);
  assert.deepEqual(guarded(stack('gke')), ['google_container_node_pool.blue']);
});

test('a pool whose settings change has another name, so that Terraform refuses to change it in place', () => {
  const name = (text: string): unknown => all(stack('gke', text), 'google_container_node_pool')[0]!['name'];
  const before = name(exampleText());
  assert.match(before as string, /^postern-blue-[0-9a-f]{8}$/);
  assert.notEqual(name(exampleText().replace('blue: {', 'blue: {machineType: n2-standard-16, ')), before);
});

test('synthesis is deterministic, and what is off is not there', () => {
  const { instance } = parseInstance('config.yaml', exampleText());
  assert.equal(JSON.stringify([...synthesize(instance)]), JSON.stringify([...synthesize(instance)]));
  const off = exampleText().replace('nat: {enabled: true', 'nat: {enabled: false');
  assert.deepEqual([...synthesize(parseInstance('c', off).instance).keys()], ['gke', 'awsvpc', 'awsvpn', 'connect']);
  assert.doesNotMatch(JSON.stringify([...synthesize(instance)]), new RegExp(process.cwd().replaceAll('/', '\\/')));
});
