/** Reading and atomic writing of an instance's files; the one place that touches the disk. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, errorMessage, PosternError } from '@postern/core';

/** The text, or undefined where there is no such file. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new PosternError('FILE', `${file} cannot be read: ${errorMessage(error)}`, { cause: error, exitCode: 2 });
  }
}

/** Whole or not at all: a reader, or a crash, never sees half a file. Returns whether anything changed. */
export function writeWhole(file: string, text: string): boolean {
  if (readIfThere(file) === text) return false;
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new PosternError('FILE', `${file} cannot be written: ${errorMessage(error)}`, { cause: error });
  }
  return true;
}

/** Removes a directory, or a file, that can be made again at will. */
export function removeTree(top: string, path: string): void {
  rmSync(join(top, path), { recursive: true, force: true });
}

/** Removes a file, then the directories it leaves empty, up to `top`. */
export function removeFile(top: string, path: string): void {
  rmSync(join(top, path), { force: true });
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    try {
      rmdirSync(join(top, folder));
    } catch {
      return; // not empty, or not there: nothing to tidy above it either
    }
  }
}

export function listDirectory(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
