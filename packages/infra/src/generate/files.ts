/** Reading and atomic writing of an instance's files; the one place that touches the disk. */
import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

export { readIfThere, writeWhole } from '@postern/terraform/files';

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
