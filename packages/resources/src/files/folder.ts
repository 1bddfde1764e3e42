import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { documentBytesMax, errorCode, errorMessage, PosternError } from '@postern/core';

/** Looks at a folder of resource files: names and signatures first, contents only of what changed. */

/** Where the store keeps its own files inside the folder; never read as resources, like every hidden name. */
export const stateFolderName = '.postern';

/** Ten times the largest hub we plan for (1,000 clusters); beyond it a folder is more likely a mistake (`--resources /`). */
const filesMax = 20_000;
/** Deep enough for any tree of customers and environments; ends a loop of symbolic links. */
const depthMax = 8;

const resourceFile = /\.(ya?ml|json)$/;

/** The state of a file that tells whether its content may have changed. */
export interface FileSignature {
  readonly path: string;
  readonly signature: string;
  readonly modifiedMs: number;
  readonly bytes: number;
}

/** All resource files below the folder by relative path, or undefined when the folder is not there. */
export function lookAt(folder: string): ReadonlyMap<string, FileSignature> | undefined {
  const files = new Map<string, FileSignature>();
  try {
    collect(folder, '', 0, files);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EIO', 'ESTALE', 'ENOTCONN', 'EACCES'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
  return files;
}

function collect(folder: string, prefix: string, depth: number, files: Map<string, FileSignature>): void {
  const entries = readdirSync(join(folder, prefix), { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  for (const entry of entries) {
    // `..data` and the like are how Kubernetes mounts a ConfigMap: its files are reached through their own links.
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    const stat = statOrGone(join(folder, path));
    if (stat === undefined) continue;
    if (stat.isDirectory()) {
      if (depth < depthMax) collect(folder, path, depth + 1, files);
    } else if (stat.isFile() && resourceFile.test(entry.name)) {
      if (files.size >= filesMax)
        throw new PosternError('FOLDER_TOO_LARGE', `${folder} holds more than ${filesMax} resource files`, {
          hint: 'is it the folder you meant?',
          exitCode: 2,
        });
      const signature = `${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
      files.set(path, { path, signature, modifiedMs: Math.max(stat.mtimeMs, stat.ctimeMs), bytes: stat.size });
    }
  }
}

function statOrGone(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ELOOP') return undefined; // it went between two calls
    throw error;
  }
}

/** The text of a file, or a sentence that says why it cannot be had. */
export function readResourceFile(folder: string, file: FileSignature): { text: string } | { problem: string } {
  if (file.bytes > documentBytesMax) return { problem: `is larger than ${documentBytesMax} bytes` };
  try {
    return { text: readFileSync(join(folder, file.path), 'utf8') };
  } catch (error) {
    return { problem: `cannot be read: ${errorMessage(error)}` };
  }
}
