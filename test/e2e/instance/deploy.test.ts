/** plan, deploy and destroy with the real Terraform; the providers are stubs of the committed schemas, so that nothing waits. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { eventually, need, postern, startPostern, temporaryDirectory, terraformEnvironment } from '@postern/testing';
import { exampleText } from '../../../packages/infra/src/testdata/example.ts';

const skip = need('terraform');

interface World {
  readonly dir: string;
  readonly options: { readonly env: NodeJS.ProcessEnv };
}

/** The VPN and the NAT: two stacks in order and one beside them. */
const text = exampleText()
  .replace(/      gke:\n.*\n/, '')
  .replace(/    privateDNS:\n(      .*\n)+/, '')
  .replace(/    connect:\n(      .*\n)+/, '');

/** One instance a test, generated; or as `change` has it. */
async function world(scratch: string, change: (text: string) => string = (same) => same): Promise<World> {
  const dir = join(scratch, 'instance');
  mkdirSync(dir);
  writeFileSync(join(dir, 'config.yaml'), change(text));
  const options = { env: terraformEnvironment(scratch, { aws: 'stub' }) };
  assert.equal((await postern(['generate', dir])).code, 0);
  return { dir, options };
}

const withoutNat = (all: string): string => all.replace('nat: {enabled: true', 'nat: {enabled: false');
const state = (dir: string, stack: string): { resources: { type: string }[] } =>
  JSON.parse(readFileSync(join(dir, 'state', `${stack}.tfstate`), 'utf8')) as { resources: { type: string }[] };

suite('deploy', { skip, concurrency: 2 }, () => {
  test('in order, then nothing to do; a removed stack is destroyed; destroy says what is lost and asks', async () => {
    using scratch = temporaryDirectory();
    const { dir, options } = await world(scratch.path);

    const early = await postern(['instance', 'deploy', dir, '--target', 'awsvpn', '-auto-approve'], options);
    assert.equal(early.code, 2);
    assert.match(early.stderr, /awsvpn is built on awsvpc, which is not applied/);

    const unasked = await postern(['instance', 'deploy', dir, '--target', 'nat'], options);
    assert.equal(unasked.code, 2, unasked.stderr);
    assert.match(unasked.stderr, /not approved/);

    const planned = await postern(['instance', 'plan', dir, '-o', 'json'], options);
    const plan = JSON.parse(planned.stdout) as { stacks: { stack: string; state: string; changes: unknown[] }[] };
    assert.deepEqual(
      plan.stacks.map((stack) => `${stack.stack} ${stack.state}`),
      ['nat planned', 'awsvpc planned', 'awsvpn waits'],
    );

    const first = await postern(['instance', 'tfc', 'deploy', dir, '-auto-approve'], options);
    assert.equal(first.code, 0, first.stderr);
    assert.equal(first.stdout, 'nat: applied\nawsvpc: applied\nawsvpn: applied\n');
    assert.match(first.stderr, /awsvpn: aws_vpn_connection\.google_1: created in/);
    assert.equal(state(dir, 'awsvpn').resources.filter(({ type }) => type === 'google_compute_vpn_tunnel').length, 4);

    const second = await postern(['instance', 'cdktf', 'deploy', dir, '-auto-approve'], options);
    assert.equal(second.code, 0, second.stderr);
    assert.equal(second.stdout, 'nat: unchanged\nawsvpc: unchanged\nawsvpn: unchanged\n');

    // Keys are in the state, which git ignores, and nowhere else.
    const secret = /"result":\s*"([^"]+)"/.exec(readFileSync(join(dir, 'state/awsvpn.tfstate'), 'utf8'))?.[1];
    assert.ok(secret);
    for (const text of [first.stdout, first.stderr, readFileSync(join(dir, 'outputs.yaml'), 'utf8')])
      assert.ok(!text.includes(secret));
    assert.equal(readFileSync(join(dir, 'state/.gitignore'), 'utf8'), '*\n');

    writeFileSync(join(dir, 'config.yaml'), withoutNat(text));
    await postern(['generate', dir]);
    const removed = await postern(['instance', 'deploy', dir, '--target', 'nat', '--auto-approve'], options);
    assert.equal(removed.code, 0, removed.stderr);
    assert.match(removed.stderr, /nat \(switched off in config\.yaml\): \d+ to delete/);
    assert.match(removed.stderr, /will be lost:[^]*a reserved address: it cannot be had back/);
    assert.ok(!existsSync(join(dir, 'stacks.removed.yaml')));

    const held = await postern(['instance', 'destroy', dir, '--target', 'awsvpc', '--auto-approve'], options);
    assert.equal(held.code, 2);
    assert.match(held.stderr, /awsvpn is built on awsvpc and still stands/);

    const refused = await postern(['instance', 'destroy', dir], options);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /google_compute_ha_vpn_gateway\.main: both outside addresses of the VPN/);
    assert.equal(state(dir, 'awsvpc').resources.length > 0, true);

    const destroyed = await postern(['instance', 'destroy', dir, '--auto-approve'], options);
    assert.equal(destroyed.code, 0, destroyed.stderr);
    assert.equal(destroyed.stdout, 'awsvpn: destroyed\nawsvpc: destroyed\n');
    for (const stack of ['awsvpc', 'awsvpn']) assert.deepEqual(state(dir, stack).resources, []);
  });

  test('a target that is none is refused with the nearest', async () => {
    using scratch = temporaryDirectory();
    const { dir, options } = await world(scratch.path, withoutNat);
    const misspelt = await postern(['instance', 'plan', dir, '--target', 'awsvpnn'], options);
    assert.equal(misspelt.code, 2);
    assert.match(misspelt.stderr, /did you mean awsvpn\?/);
    const off = await postern(['instance', 'plan', dir, '--target', 'nat'], options);
    assert.match(off.stderr, /this instance has no stack nat/);
  });

  test('two at a time: the second is refused; after kill -9 the next goes on', async () => {
    using scratch = temporaryDirectory();
    const { dir, options } = await world(scratch.path);
    const args = ['instance', 'deploy', dir, '--target', 'nat', '--auto-approve'];
    await using first = startPostern(args, options);
    await first.line(/nat: (planning|applying)/);
    const second = await postern(args, options);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /another plan, deploy or destroy of this instance is running/);
    await first.line(/nat: applying/);
    await eventually('the record of the run', () => existsSync(join(dir, 'state/run.json')));
    await first.stop('SIGKILL');
    const third = await postern(args, options);
    assert.equal(third.code, 0, third.stderr);
    const again = await postern(args, options);
    assert.equal(again.stdout, 'nat: unchanged\n');
    assert.ok(!existsSync(join(dir, 'state/run.json')));
  });

  test('without Terraform, and with a tree that is not generated, it says what to do', async () => {
    using scratch = temporaryDirectory();
    const dir = join(scratch.path, 'instance');
    mkdirSync(dir);
    writeFileSync(join(dir, 'config.yaml'), exampleText());
    const none = await postern(['instance', 'plan', dir], { env: { ...process.env, PATH: '/nonexistent' } });
    assert.equal(none.code, 1);
    assert.match(none.stderr, /neither terraform nor tofu is on PATH/);
    const bare = await postern(['instance', 'plan', dir], { env: terraformEnvironment(scratch.path, { aws: 'stub' }) });
    assert.equal(bare.code, 2);
    assert.match(bare.stderr, /stack nat is not generated yet\n\s+postern generate/);
  });
});
