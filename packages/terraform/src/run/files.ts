/** Files read where they are there, and written whole. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
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
