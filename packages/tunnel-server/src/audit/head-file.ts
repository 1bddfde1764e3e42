import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '@postern/core';
import { replaceFile } from '../files.ts';
import type { AuditHead } from './event.ts';

/**
 * `data/audit.head`: the newest record's number and hash, kept beside the database, so that cutting off the last records is seen.
 * It is written after each commit: it may be one commit behind (the process was killed in between) and is never ahead.
 */

const name = 'audit.head';

export type HeadFile =
  | { readonly kind: 'head'; readonly head: AuditHead }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' };

export function readHeadFile(dataDir: string): HeadFile {
  let text: string;
  try {
    text = readFileSync(join(dataDir, name), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { kind: 'missing' };
    throw error;
  }
  const match = /^(\d{1,15}) ([0-9a-f]{64})\n$/.exec(text);
  return match === null ? { kind: 'damaged' } : { kind: 'head', head: { sequence: Number(match[1]), hash: match[2]! } };
}

export function writeHeadFile(dataDir: string, { sequence, hash }: AuditHead): void {
  replaceFile(join(dataDir, name), `${sequence} ${hash}\n`);
}
