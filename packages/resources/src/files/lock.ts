import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorMessage, PosternError } from '@postern/core';

/**
 * One controller a folder. The lock is an open exclusive transaction on a file of its own: the operating system ends it with
 * the process, however that ends, which a file with a process id in it cannot say.
 */
export function lockState(file: string): Disposable {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    throw new PosternError(
      'STATE_LOCKED',
      `another controller is working on ${dirname(file)} (${errorMessage(error)})`,
      {
        hint: 'stop it first; `status` and `plan` may run beside it',
        cause: error,
      },
    );
  }
  return { [Symbol.dispose]: () => (db.isOpen ? db.close() : undefined) };
}
