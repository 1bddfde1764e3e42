import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorMessage, PosternError } from '@postern/core';
import { writeWhole } from './files.ts';

/**
 * One deploy of a state folder at a time, on this machine; between machines Terraform's own state lock holds. An exclusive
 * transaction of SQLite: the kernel releases its lock when the holder dies, however it dies, so there is no stale lock to judge
 * and never a second holder. Held for as long as the returned value lives: a forgotten one is collected, and the lock with it.
 */
export function lockState(stateFolder: string, what: 'instance' | 'sandbox'): Disposable {
  // State and plans hold the pre-shared keys: for this user alone, and never for git.
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  writeWhole(join(stateFolder, '.gitignore'), '*\n');
  const database = new DatabaseSync(join(stateFolder, 'deploy.lock'));
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new PosternError(
      'DEPLOY_LOCKED',
      /locked|busy/i.test(errorMessage(error))
        ? `another plan, deploy or destroy of this ${what} is running`
        : `cannot lock ${stateFolder}: ${errorMessage(error)}`,
      {
        hint: 'wait for it to end',
        cause: error,
      },
    );
  }
  return { [Symbol.dispose]: () => database.close() };
}
