/**
 * Installs what the lock file names, once: a stamp in node_modules remembers the lock file it was made from.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './node.mjs';

const stamp = join(root, 'node_modules', '.postern-setup');

export function setUp() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write('postern: setting up (npm ci), once\n');
  const started = Date.now();
  const { status, error, stderr } = spawnSync('npm', ['ci', '--loglevel=error', '--no-progress'], {
    cwd: root,
    stdio: ['ignore', 2, 'pipe'],
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    // npm's usage page follows its reason; the reason is what helps.
    process.stderr.write(`${(stderr ?? '').split('\n').slice(0, 20).join('\n')}\n`);
    process.stderr.write(
      `postern: npm ci failed${error === undefined ? '' : ` (${error.message})`}; is the registry reachable?\n`,
    );
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
  process.stderr.write(`postern: set up in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
