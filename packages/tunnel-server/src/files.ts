import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { errorCode, errorMessage, PosternError } from '@postern/core';

/** Files that are there whole or not at all, whatever ends the process: written beside, synced, then put in place. */

/** Puts a new file in place. False, and nothing changed, when there is one already. */
export function createFile(file: string, content: string, mode = 0o600): boolean {
  const beside = writeBeside(file, content, mode);
  try {
    linkSync(beside, file); // unlike rename, refuses to overwrite
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw translated(error, file);
  } finally {
    unlinkSync(beside);
  }
  syncDirectory(dirname(file));
  return true;
}

/** Replaces a file, or creates it. */
export function replaceFile(file: string, content: string, mode = 0o600): void {
  const beside = writeBeside(file, content, mode);
  try {
    renameSync(beside, file);
  } catch (error) {
    unlinkSync(beside);
    throw translated(error, file);
  }
  syncDirectory(dirname(file));
}

/** The data directory, mode 0700. One that others can look into is refused: it holds the root's key. */
export function ensurePrivateDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw translated(error, directory);
  }
  const { mode } = statSync(directory);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new PosternError(
      'FILE_MODE',
      `the data directory ${directory} can be read by other users (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`,
      { hint: `chmod 700 ${directory}`, exitCode: 2 },
    );
}

function writeBeside(file: string, content: string, mode: number): string {
  const beside = `${file}.${randomUUID()}.tmp`;
  try {
    const descriptor = openSync(beside, 'wx', mode);
    try {
      writeSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw translated(error, file);
  }
  return beside;
}

function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return; // cannot be opened there, and NTFS journals names
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function translated(error: unknown, file: string): PosternError {
  const code = errorCode(error);
  const reason =
    code === 'ENOENT'
      ? 'its directory does not exist'
      : code === 'EACCES' || code === 'EPERM'
        ? 'not permitted'
        : code === 'ENOSPC'
          ? 'the disk is full'
          : code === 'EROFS'
            ? 'the file system is read-only'
            : errorMessage(error);
  return new PosternError('FILE_WRITE', `cannot write ${file}: ${reason}`, { cause: error });
}
