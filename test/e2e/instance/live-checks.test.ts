/** `verify` of the NAT allowlist and of the tunnel's server: against `lab gcp` and a real tunnel server, sound and broken. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { postern, type Running, startPostern, temporaryDirectory } from '@postern/testing';
import { serverCheck } from '../../../packages/infra/src/verify/server-check.ts';
import { TunnelWorld } from '../tunnel/world.ts';

interface Settings {
  readonly staticIPs?: number;
  readonly sourceRanges?: string;
}

function configText({ staticIPs = 2, sourceRanges = '203.0.113.0/24' }: Settings = {}): string {
  return `apiVersion: postern.dev/v1
kind: Instance
metadata: {name: src-0123456789abcdef0123}
spec:
  infrastructure:
    gcp: {projectID: src-0123456789abcdef0123, region: europe-west3}
    nat: {enabled: true, staticIPs: ${staticIPs}}
    connect: {enabled: true, sourceRanges: [${sourceRanges}], agents: [dc1@acme.example]}
`;
}

function instance(scratch: string): { dir: string; write: (settings?: Settings) => void } {
  const dir = join(scratch, 'instance');
  mkdirSync(dir);
  const write = (settings: Settings = {}): void => writeFileSync(join(dir, 'config.yaml'), configText(settings));
  write();
  return { dir, write };
}

function endpoint(lab: Running): NodeJS.ProcessEnv {
  const pairs = [...lab.stdout.matchAll(/export (\w+)=(\S+)/g)].map(([, name, value]) => [name!, value!] as const);
  return { ...process.env, ...Object.fromEntries(pairs) };
}

async function verdicts(dir: string, place: string, env: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  const { stdout, stderr } = await postern(['instance', 'verify', dir, '-o', 'json', '--server', place], { env });
  assert.ok(stdout.startsWith('{'), stderr);
  const { checks } = JSON.parse(stdout) as { checks: { check: string; verdict: string; causeID?: string }[] };
  return Object.fromEntries(checks.map(({ check, verdict, causeID }) => [check, causeID ?? verdict]));
}

const sound = {
  'postern-nat-0': 'ok',
  'postern-nat-1': 'ok',
  'postern-nat': 'ok',
  'postern-connect': 'ok',
  'postern-connect-agents': 'ok',
  'postern-connect-others': 'ok',
  server: 'ok',
};

suite('verify without a VPN', () => {
  test('sound; then a config.yaml that nobody deployed; then a server that is gone', async () => {
    using scratch = temporaryDirectory();
    const { dir, write } = instance(scratch.path);
    await using world = await TunnelWorld.prepare();
    const server = await world.startServer();
    const place = String(server.ready['listen']);
    await using lab = startPostern(['lab', 'gcp', '--config', dir, '--tunnel-server', place]);
    await lab.line(/export CLOUDSDK_AUTH/);
    const env = endpoint(lab);
    assert.deepEqual(await verdicts(dir, place, env), sound);

    const [host, port] = place.split(':');
    const inYears = () => Date.parse('2100-01-01T00:00:00Z');
    const signal = AbortSignal.timeout(10_000);
    const late = await serverCheck({ host: host!, port: Number(port) }, signal, inYears);
    assert.equal(late.causeID, 'certificate-expired');

    write({ staticIPs: 3, sourceRanges: '198.51.100.0/24' });
    assert.deepEqual(await verdicts(dir, place, env), {
      ...sound,
      'postern-nat-2': 'absent',
      'postern-nat': 'nat-differs',
      'postern-connect-agents': 'firewall-differs',
    });

    write();
    await server.process.stop();
    const gone = { ...sound, 'postern-connect': 'address-unused', server: 'server-down' };
    assert.deepEqual(await verdicts(dir, place, env), gone);
    const { code, stdout } = await postern(['instance', 'verify', dir, '--server', place], { env });
    assert.equal(code, 1);
    assert.match(stdout, /nothing listens at the tunnel server’s address \(server-down\)\n {2}next/);
  });

  test('nothing deployed: every resource is absent, and nobody is dialled', async () => {
    using scratch = temporaryDirectory();
    const { dir } = instance(scratch.path);
    const other = join(scratch.path, 'other');
    mkdirSync(other);
    const off = configText()
      .replace(/ {4}connect:.*\n/, '')
      .replace('staticIPs: 2', 'staticIPs: 1');
    writeFileSync(join(other, 'config.yaml'), off);
    await using lab = startPostern(['lab', 'gcp', '--config', other]);
    await lab.line(/export CLOUDSDK_AUTH/);
    const { stdout, code } = await postern(['instance', 'verify', dir, '-o', 'json'], { env: endpoint(lab) });
    assert.equal(code, 1);
    const { checks } = JSON.parse(stdout) as { checks: { check: string; causeID?: string }[] };
    assert.deepEqual(
      checks.map(({ check, causeID }) => `${check} ${causeID ?? 'ok'}`),
      [
        'postern-nat-0 ok',
        'postern-nat-1 absent',
        'postern-nat nat-differs',
        'postern-connect absent',
        'postern-connect-agents absent',
        'postern-connect-others absent',
      ],
    );
  });

  test('another program at the server’s address is told from a server that is down', async () => {
    using scratch = temporaryDirectory();
    const { dir } = instance(scratch.path);
    const stranger = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-other\r\n'));
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    try {
      const place = `127.0.0.1:${(stranger.address() as AddressInfo).port}`;
      await using lab = startPostern(['lab', 'gcp', '--config', dir, '--tunnel-server', place]);
      await lab.line(/export CLOUDSDK_AUTH/);
      assert.deepEqual(await verdicts(dir, place, endpoint(lab)), { ...sound, server: 'not-a-tunnel-server' });
    } finally {
      stranger.close();
    }
  });

  test('a place that is none is refused', async () => {
    const { code, stderr } = await postern(['instance', 'verify', '--server', 'nowhere']);
    assert.equal(code, 2);
    assert.match(stderr, /--server/);
  });
});
