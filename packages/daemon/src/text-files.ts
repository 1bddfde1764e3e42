/** Files as text and as secrets, apart from the schemas: a small daemon reads these and no YAML. */
import { readFileSync, type Stats, statSync } from 'node:fs';
import { errorCode, errorMessage, PosternError } from '@postern/core/errors';
import { Secret } from '@postern/core/secret';

/** Reads a text file, or says in one sentence why it cannot. `what` names its role: "server CA". */
export function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw fileError(error, file, what);
  }
}

/** Reads a file that holds a secret; refuses one that other users of the machine can read. */
export function readSecretFile(file: string, what: string): Secret {
  let stats: Stats;
  try {
    stats = statSync(file);
  } catch (error) {
    throw fileError(error, file, what);
  }
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0 && !isMountedForUs(stats)) {
    throw new PosternError(
      'FILE_MODE',
      `${what} ${file} can be read by other users (mode ${(stats.mode & 0o777).toString(8).padStart(4, '0')})`,
      { hint: `chmod 600 ${file}`, exitCode: 2 },
    );
  }
  return new Secret(readText(file, what));
}

/**
 * Kubernetes mounts a Secret for a process that is not root as root's own file, read-only for the pod's group (`fsGroup`, 0440);
 * there is no way to have it 0400. Only root makes such a file, and only for a group we are in.
 */
function isMountedForUs({ mode, uid, gid }: Stats): boolean {
  return (
    (mode & 0o777) === 0o440 && uid === 0 && process.getuid?.() !== 0 && process.getgroups?.().includes(gid) === true
  );
}

function fileError(error: unknown, file: string, what: string): PosternError {
  const code = errorCode(error);
  if (code === 'ENOENT')
    return new PosternError('FILE_MISSING', `${what} ${file} does not exist`, { cause: error, exitCode: 2 });
  if (code === 'EISDIR')
    return new PosternError('FILE_KIND', `${what} ${file} is a directory`, { cause: error, exitCode: 2 });
  if (code === 'EACCES')
    return new PosternError('FILE_DENIED', `${what} ${file} cannot be read by this user`, {
      cause: error,
      exitCode: 2,
    });
  return new PosternError('FILE', `${what} ${file} cannot be read: ${errorMessage(error)}`, {
    cause: error,
    exitCode: 2,
  });
}
