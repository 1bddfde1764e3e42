/** `postern up`, which `npm start` runs: the story holds, from an awkward checkout too, and nothing is left behind however it ends. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, need, needNamespaces, postern, startPostern, temporaryDirectory } from '@postern/testing';

const skip = need('git');

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

/** A repository as CI checks it out: one commit deep, HEAD detached, no branch. */
function shallowCheckout(dir: string): { path: string; commit: string } {
  const source = join(dir, 'source');
  mkdirSync(source);
  git(source, 'init', '-q');
  for (const text of ['one', 'two', 'three']) {
    writeFileSync(join(source, 'file'), text);
    git(source, 'add', '.');
    git(source, 'commit', '-qm', text);
  }
  const path = join(dir, 'shallow');
  git(dir, 'clone', '-q', '--depth=1', `file://${source}`, path);
  git(path, 'checkout', '-q', '--detach');
  git(path, 'branch', '-D', git(source, 'branch', '--show-current'));
  return { path, commit: git(source, 'rev-parse', 'HEAD') };
}

/** Processes whose command line names the scratch directory of the demo. */
function processesOf(scratch: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${scratch}/`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function environment(scratch: string): { env: NodeJS.ProcessEnv } {
  return { env: { ...process.env, TMPDIR: scratch } };
}

test(
  '--once tells the whole story, of a shallow checkout with a detached HEAD',
  { skip, timeout: 120_000 },
  async () => {
    using dir = temporaryDirectory();
    const { path, commit } = shallowCheckout(dir.path);
    const scratch = join(dir.path, 'scratch');
    mkdirSync(scratch);
    const { code, stdout, stderr } = await postern(['up', '--once', '--repo', path], environment(scratch));
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /no way .*\n.*\n\s+fatal: /i);
    assert.match(stdout, new RegExp(`commit ${commit}, as on the host`));
    assert.match(stdout, /HTTP 403 {2}DENIED .+\(connection [0-9a-f-]{36}\)/);
    assert.match(stdout, /connection\.close .*bytes/);
    assert.match(stdout, /connection\.refuse .*DENIED/);
    assert.ok(!stdout.includes('\x1b'), 'a pipe gets plain text');
    assert.deepEqual(readdirSync(scratch), []);
    assert.deepEqual(processesOf(scratch), []);
  },
);

test(
  'it stays up until Ctrl-C, in namespaces, and leaves none',
  { skip: skip || needNamespaces(), timeout: 120_000 },
  async () => {
    using dir = temporaryDirectory();
    const { path } = shallowCheckout(dir.path);
    const scratch = join(dir.path, 'scratch');
    mkdirSync(scratch);
    await using demo = startPostern(['up', '--namespaces', '--repo', path], environment(scratch));
    await demo.line(/Ctrl-C ends it/, 90_000);
    const namespaces = (): string => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
    assert.match(namespaces(), new RegExp(`postern-${demo.child.pid}-customer`));
    assert.ok(processesOf(scratch).length >= 4);
    const again = /^\s+(ip netns exec .* curl -x \S+ --cacert \S+ \S+)$/m.exec(demo.stdout)![1]!;
    const [file, ...args] = again.split(/ +/) as [string, ...string[]];
    if (need('curl') === false)
      assert.match(execFileSync(file, [...args, '-sS'], { encoding: 'utf8' }), /^(ref: |[0-9a-f]{40})/);
    const { code } = await demo.stop('SIGINT');
    assert.equal(code, 0, demo.stderr);
    assert.ok(!namespaces().includes(`postern-${demo.child.pid}-`));
    assert.deepEqual(processesOf(scratch), []);
    assert.deepEqual(readdirSync(scratch), []);
  },
);

test('killed outright in the middle it leaves no process', { skip, timeout: 90_000 }, async () => {
  using dir = temporaryDirectory();
  const { path } = shallowCheckout(dir.path);
  await using demo = startPostern(['up', '--repo', path], environment(dir.path));
  await demo.line(/ok the server/, 60_000);
  await demo.stop('SIGKILL');
  await eventually('its daemons end too', () => processesOf(dir.path).length === 0);
});

test('a repository that is none is a mistake of the command line', async () => {
  const nowhere = await postern(['up', '--once', '--repo', './nowhere']);
  assert.equal(nowhere.code, 2, nowhere.stderr);
  assert.match(nowhere.stderr, /neither a folder nor a URL/);
});
