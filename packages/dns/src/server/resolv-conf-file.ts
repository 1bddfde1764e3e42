/** Writes and restores resolv.conf in place: in a pod it is a mount, which cannot be replaced by a rename. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { errorMessage, PosternError } from '@postern/core/errors';

export interface RewrittenFile {
  readonly path: string;
  readonly original: string;
  readonly rewritten: string;
}

export function rewriteFile(file: RewrittenFile): void {
  try {
    writeInPlace(file.path, file.rewritten);
  } catch (error) {
    throw new PosternError('RESOLV_CONF', `${file.path} cannot be written: ${errorMessage(error)}`, {
      hint: 'run as a user who may write it, or set dnsConfig on the pod and resolvConf.rewrite: false',
      cause: error,
    });
  }
}

/** Puts the original back, unless somebody else has written the file since: theirs stays. */
export function restoreFile(file: RewrittenFile): 'restored' | 'changed' {
  if (readFileSync(file.path, 'utf8') !== file.rewritten) return 'changed';
  writeInPlace(file.path, file.original);
  return 'restored';
}

/** Over the old text first, then cut: a reader in between sees no empty file. */
function writeInPlace(path: string, text: string): void {
  const bytes = Buffer.from(text);
  const file = openSync(path, 'r+');
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, at);
    ftruncateSync(file, bytes.length);
  } finally {
    closeSync(file);
  }
}
