import { watch as watchFolder } from 'node:fs';
import { stateFolderName } from './folder.ts';

/** A change counts when two looks this far apart agree: editors, git and kubectl write in several steps. */
export const settleMs = 100;
/** For changes that the platform does not announce (NFS, some overlays). A look costs about 10 us a file. */
const pollMs = 1000;

/** Calls `look` when the folder differs from what was last accepted and has been quiet. */
export function watchQuietly(options: {
  readonly folder: string;
  /** What the folder is like now; undefined while it is not there. */
  readonly signature: () => string | undefined;
  /** Whether this is what the last look saw. */
  readonly isNews: (signature: string | undefined) => boolean;
  readonly look: () => void;
}): Disposable {
  let candidate: { readonly signature: string | undefined } | undefined;
  let timer: NodeJS.Timeout | undefined;
  const check = (): void => {
    timer = undefined;
    const signature = options.signature();
    if (!options.isNews(signature)) {
      candidate = undefined;
    } else if (candidate !== undefined && candidate.signature === signature) {
      candidate = undefined;
      options.look();
    } else {
      candidate = { signature };
      timer = setTimeout(check, settleMs);
    }
  };
  const soon = (): void => {
    timer ??= setTimeout(check, settleMs);
  };
  const watcher = tryWatch(options.folder, soon);
  const poll = setInterval(soon, pollMs);
  return {
    [Symbol.dispose]: () => {
      watcher?.close();
      clearInterval(poll);
      clearTimeout(timer);
    },
  };
}

function tryWatch(folder: string, onEvent: () => void): { close(): void } | undefined {
  try {
    const watcher = watchFolder(folder, { recursive: true }, (_event, name) => {
      // Our own writes below .postern are no news.
      if (name === null || !name.startsWith(stateFolderName)) onEvent();
    });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined; // the poll sees it too
  }
}
