import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorMessage, PosternError } from '@postern/core';

/**
 * One deploy an instance at a time, on this machine; between machines Terraform's own state lock holds. An exclusive
 * transaction of SQLite: the kernel releases its lock when the holder dies, however it dies, so there is no stale lock to judge
 * and never a second holder.
 */
export function lockInstance(stateFolder: string): Disposable {
  mkdirSync(stateFolder, { recursive: true });
  const database = new DatabaseSync(join(stateFolder, 'deploy.lock'));
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new PosternError(
      'DEPLOY_LOCKED',
      `another plan, deploy or destroy of this instance is running: ${errorMessage(error)}`,
      {
        hint: 'wait for it to end',
        cause: error,
      },
    );
  }
  return { [Symbol.dispose]: () => database.close() };
}
