/**
 * The VPN lab with the generated stacks: real IKEv2 and BGP, the failover, and each cause of the decision table provoked by a
 * real fault and found by `verify` from API answers alone.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { faults, missingForVpnLab } from '@postern/lab/vpn';
import { eventually, need, postern, run, type Running, startPostern, temporaryDirectory } from '@postern/testing';
import { networkCauses, tunnelCauses } from '../../../packages/infra/src/verify/causes.ts';
import { exampleText } from '../../../packages/infra/src/testdata/example.ts';

const missing = missingForVpnLab();
const skip = missing === undefined ? false : missing.what;
/** A busy machine takes its time; an idle one needs 35 s. */
const patienceMs = 110_000;
const settleMs = 40_000;

interface Rehearsal {
  readonly steps: { readonly step: string; readonly ok: boolean; readonly detail: string }[];
  readonly tunnels: { readonly name: string; readonly gcpBgp: string }[];
  readonly seconds: number;
}

interface Verification {
  readonly checks: { readonly check: string; readonly verdict: string; readonly causeID?: string }[];
}

function instance(scratch: string): string {
  const dir = join(scratch, 'instance');
  mkdirSync(dir);
  // Only the VPN: the lab answers for nothing else.
  const text = exampleText()
    .replace('nat: {enabled: true', 'nat: {enabled: false')
    .replace(/    connect:\n(      .*\n)+/, '');
  writeFileSync(join(dir, 'config.yaml'), text);
  return dir;
}

async function leftovers(): Promise<string> {
  const { stdout } = await run('ip', ['netns', 'list']);
  return stdout;
}

/** The environment that the lab prints. */
function exported(lab: Running): NodeJS.ProcessEnv {
  const pairs = [...lab.stdout.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name!, value!] as const);
  return { ...process.env, ...Object.fromEntries(pairs) };
}

async function causes(dir: string, env: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  const { stdout, stderr } = await postern(['instance', 'verify', dir, '-o', 'json'], { env });
  assert.ok(stdout.startsWith('{'), stderr);
  const { checks } = JSON.parse(stdout) as Verification;
  return Object.fromEntries(checks.map(({ check, verdict, causeID }) => [check, causeID ?? verdict]));
}

/** The tunnels 0 to 3, the routes and the endpoint, as `verify` must call them. */
const expected = (tunnels: readonly [string, string, string, string], routes: string, endpoint = 'ok') => ({
  ...Object.fromEntries(tunnels.map((cause, i) => [`postern-vpn-tunnel-${i}`, cause])),
  routes,
  'postern-vpce-svc-0123456789abcdef0': endpoint,
});

/** Several faults a world: each tunnel has its own, and a fault of a connection hits two. */
const worlds = [
  {
    faults: ['wrong-key=0', 'wrong-proposal=1', 'wrong-inside=2', 'unreachable=3', 'security-group', 'not-propagated'],
    found: expected(['wrong-key', 'wrong-proposal', 'wrong-inside', 'unreachable'], 'not-propagated', 'security-group'),
  },
  {
    faults: ['wrong-asn=0', 'wrong-address=2'],
    found: expected(['wrong-asn', 'wrong-asn', 'wrong-address', 'wrong-address'], 'vpc-not-learned'),
  },
  {
    faults: ['tunnel-absent=0', 'wrong-identity=1', 'gateway-detached'],
    found: expected(
      ['tunnel-absent', 'wrong-identity', 'aws-advertises-nothing', 'aws-advertises-nothing'],
      'vpn-gateway-detached',
    ),
  },
  {
    faults: ['ikev1-only=0', 'stale-options=1', 'too-many-routes'],
    found: expected(['wrong-ike-version', 'proposal-refused', 'too-many-routes', 'too-many-routes'], 'vpc-not-learned'),
  },
  {
    faults: ['peer-disabled=0', 'peer-absent=1', 'bgp-blocked=2', 'stale-telemetry=3', 'static-route'],
    found: expected(['bgp-disabled', 'bgp-peer-absent', 'bgp-down', 'one-sided'], 'routes-missing'),
  },
  {
    faults: ['connection-absent=0', 'narrowed=2', 'router-absent'],
    found: expected(['connection-absent', 'connection-absent', 'narrowed', 'narrowed'], 'router-absent'),
  },
  {
    faults: ['unfinished=0', 'gateway-failed=1', 'not-advertised'],
    found: expected(['negotiating', 'tunnel-broken', 'not-advertised', 'not-advertised'], 'not-advertised'),
  },
  { faults: [], found: expected(['ok', 'ok', 'ok', 'ok'], 'ok') },
];

test('every cause of the VPN is provoked in one of these worlds, by the fault that the table names', () => {
  const [made, found] = [worlds.flatMap(({ faults }) => faults), worlds.flatMap((world) => Object.values(world.found))];
  for (const { id, lab } of [...tunnelCauses, ...networkCauses]) {
    assert.ok(found.includes(id), id);
    assert.ok(
      made.some((fault) => fault.split('=')[0] === lab),
      `${id}: ${lab}`,
    );
  }
  assert.deepEqual(new Set(made.map((fault) => fault.split('=')[0])), new Set(faults.map(({ name }) => name)));
});

// Side by side: a rehearsal mostly waits for timers.
suite('postern lab vpn', { skip, concurrency: 4 }, () => {
  test('4 tunnels, 4 sessions, HTTP; one connection cut leaves 2 and the traffic; nothing stays behind', async () => {
    using scratch = temporaryDirectory();
    const dir = instance(scratch.path);
    assert.equal((await postern(['generate', 'cdktf', dir])).code, 0);
    const lab = startPostern(['lab', 'vpn', '--config', join(dir, 'config.yaml'), '-o', 'json']);
    await using _guard = lab;
    const { code, stdout, stderr } = await lab.finished;
    assert.equal(code, 0, stderr);
    const { steps, tunnels, seconds } = JSON.parse(stdout) as Rehearsal;
    assert.deepEqual(
      steps.map(({ step, ok }) => `${step}: ${ok}`),
      [
        'tunnels up: true',
        'BGP sessions: true',
        'HTTP through the tunnels: true',
        'cut connection 0: true',
        'HTTP after the cut: true',
      ],
    );
    assert.match(steps[0]!.detail, /^4 of 4/);
    assert.match(steps[3]!.detail, /^2 of 4 sessions left/);
    assert.deepEqual(
      tunnels.map(({ gcpBgp }) => gcpBgp === 'Established'),
      [false, false, true, true],
    );
    assert.ok(seconds < 120, `${seconds} s`);
    assert.ok(!(await leftovers()).includes(`pv${lab.child.pid}-`));
  });

  test('an inside range changed in the synthesised JSON: the lab fails, because no parameter exists twice', async () => {
    using scratch = temporaryDirectory();
    const dir = instance(scratch.path);
    await postern(['generate', 'cdktf', dir]);
    const file = join(dir, 'terraform/stacks/awsvpn/cdk.tf.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"169.254.21.4/30"', '"169.254.30.4/30"'));
    const started = ['lab', 'vpn', '--config', join(dir, 'config.yaml'), '-o', 'json'];
    const { code, stdout, stderr } = await postern(started, { timeout: patienceMs });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /differs from what config\.yaml describes/);
    const { steps } = JSON.parse(stdout) as Rehearsal;
    assert.match(steps.find(({ step }) => step === 'BGP sessions')!.detail, /^3 of 4/);
  });

  for (const { faults: made, found } of worlds)
    test(`verify finds ${made.join(', ') || 'nothing wrong where nothing is'}`, async () => {
      using scratch = temporaryDirectory();
      const dir = instance(scratch.path);
      const flags = made.flatMap((fault) => ['--fault', fault]);
      const state = join(scratch.path, 'lab.json');
      await using lab = startPostern(['lab', 'vpn', '--config', dir, '--hold', '--state', state, ...flags]);
      await lab.line(/export AWS_ACCESS_KEY_ID/, patienceMs);
      // On a busy machine the daemons may still be at it when the lab has waited long enough.
      let seen: Record<string, string> = {};
      const asExpected = async (): Promise<boolean> =>
        isDeepStrictEqual((seen = await causes(dir, exported(lab))), found);
      await eventually('verify finds it', asExpected, settleMs).catch(() => {});
      assert.deepEqual(seen, found);

      // The same through `lab gcp`, which answers from the state that the lab writes.
      await using gcp = startPostern(['lab', 'gcp', '--state', state]);
      await gcp.line(/export CLOUDSDK_AUTH/);
      const endpoint = exported(gcp)['CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE'];
      const env = { ...exported(lab), CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: endpoint };
      assert.deepEqual(await causes(dir, env), found);
      await gcp.stop();
      const ended = await lab.stop('SIGTERM');
      assert.equal(ended.code, 0, ended.stderr);
      assert.ok(!(await leftovers()).includes(`pv${lab.child.pid}-`));
    });
});

suite('postern lab gcp', () => {
  test('the dashboard’s commands show a session that is down as down', { skip: need('gcloud', 'bash') }, async () => {
    using scratch = temporaryDirectory();
    const dir = instance(scratch.path);
    await postern(['generate', dir]);
    await using gcp = startPostern(['lab', 'gcp', '--config', dir, '--down', 'postern-vpn-tunnel-2']);
    await gcp.line(/export CLOUDSDK_AUTH/);
    const env = {
      ...exported(gcp),
      CLOUDSDK_CONFIG: join(scratch.path, 'gcloud'),
      CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
      CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
    };
    const text = readFileSync(join(dir, 'dashboard.md'), 'utf8');
    const blocks = [...text.matchAll(/```bash\n([^`]*)```/g)].map(([, block]) => block!);
    const vpn = blocks.filter((block) => /gcloud compute (routers|vpn-tunnels)/.test(block));
    assert.ok(vpn.length >= 7, `${vpn.length} blocks`);
    const answers = await Promise.all(vpn.map((block) => run('bash', ['-c', block], { env })));
    for (const [i, { code, stderr }] of answers.entries()) assert.equal(code, 0, `${vpn[i]}\n${stderr}`);
    const status = answers[vpn.findIndex((block) => block.includes('bgpPeerStatus[].status'))]!.stdout;
    const line = (name: string): RegExp => new RegExp(`bgpPeerStatus\\[${name}\\]\\.status:\\s+(\\w+)`);
    assert.deepEqual(
      ['0', '1', '2', '3'].map((i) => line(i).exec(status)?.[1]),
      ['UP', 'UP', 'DOWN', 'UP'],
      status,
    );
  });

  test('verify tells Google’s half where AWS cannot be asked', async () => {
    using scratch = temporaryDirectory();
    const dir = instance(scratch.path);
    await using gcp = startPostern(['lab', 'gcp', '--config', dir, '--down', 'postern-vpn-tunnel-2']);
    await gcp.line(/export CLOUDSDK_AUTH/);
    // Nobody listens at port 9, and the credentials are nobody's.
    const nobody = { AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:9', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
    const found = await causes(dir, { ...exported(gcp), ...nobody });
    assert.deepEqual(found, {
      'AWS’s side': 'unknown',
      'postern-vpn-tunnel-0': 'ok',
      'postern-vpn-tunnel-1': 'ok',
      'postern-vpn-tunnel-2': 'unreachable',
      'postern-vpn-tunnel-3': 'ok',
      routes: 'ok',
    });
  });

  test('the help of lab vpn lists every fault', async () => {
    const { stdout } = await postern(['lab', 'vpn', '--help']);
    for (const { name } of faults) assert.match(stdout, new RegExp(`\\b${name}\\b`), name);
  });

  test('without a lab it says how to start one; a tunnel that is none is refused', async () => {
    using scratch = temporaryDirectory();
    const none = await postern(['lab', 'gcp', '--state', join(scratch.path, 'none.json')]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /no VPN lab is running.*\n\s+start one: postern lab vpn/);
    const dir = instance(scratch.path);
    const wrong = await postern(['lab', 'gcp', '--config', dir, '--down', 'tunnel-9']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /one of postern-vpn-tunnel-0/);
  });
});
