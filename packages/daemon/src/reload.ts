import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';

/** Half of the second within which a change must be obeyed where the platform's notification fails (NFS, some overlays). */
const pollMs = 500;
/** Editors write in several steps; 50 ms of quiet lets them finish. */
const settleMs = 50;

/**
 * Calls `onChange` when the content of one of the files changes, and on SIGHUP. Watches the folder, because editors and
 * Kubernetes replace files rather than write them; compares content, because they also touch them.
 */
export function watchFiles(
  files: readonly string[],
  onChange: (file: string | undefined) => void,
  signal: AbortSignal,
): void {
  const seen = new Map(files.map((file) => [file, digest(file)]));
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = undefined;
    for (const file of files) {
      const now = digest(file);
      if (now === seen.get(file)) continue;
      seen.set(file, now);
      onChange(file);
    }
  };
  const soon = (): void => {
    timer ??= setTimeout(look, settleMs);
  };
  const watchers = [...new Set(files.map((file) => dirname(file)))].flatMap((folder) => {
    try {
      const names = new Set(files.filter((file) => dirname(file) === folder).map((file) => basename(file)));
      const watcher = watch(folder, (_event, name) => {
        if (name === null || names.has(name) || name.startsWith('..')) soon();
      });
      watcher.on('error', () => watcher.close());
      return [watcher];
    } catch {
      return []; // the poll below still sees the change
    }
  });
  const poll = setInterval(look, pollMs);
  poll.unref();
  const hangup = (): void => onChange(undefined);
  process.on('SIGHUP', hangup);
  signal.addEventListener('abort', () => {
    for (const watcher of watchers) watcher.close();
    clearInterval(poll);
    clearTimeout(timer);
    process.off('SIGHUP', hangup);
  });
}

function digest(file: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('base64');
  } catch {
    return undefined;
  }
}
