/** Evidence from files: bytes to text (reports come in UTF-16 from Windows shells), its SHA-256, its report. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { PosternError, UsageError, errorCode } from '@postern/core';
import { type ScanReport, type Submitted, type SubmittedTests, parseScan, parseTests } from '../gate/index.ts';

/** The largest real Trivy reports (every package listed) are near 50 MB; a parsed report takes about ten times its text. */
export const evidenceBytesMax = 128 * 2 ** 20;

export interface EvidenceFile {
  readonly text: string;
  readonly sha256: string;
  readonly bytes: number;
}

export async function readEvidence(file: string, signal?: AbortSignal): Promise<EvidenceFile> {
  let bytes: Buffer;
  try {
    const { size } = await stat(file);
    if (size > evidenceBytesMax)
      throw new UsageError(`${file} is larger than ${evidenceBytesMax} bytes`, {
        hint: 'A report of one image is smaller; is it the right file?',
      });
    bytes = await readFile(file, { signal });
  } catch (error) {
    throw unreadableFile(file, error);
  }
  return { text: decode(bytes), sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
}

/** The command line names a file that is not there: nothing was judged. */
export function unreadableFile(file: string, error: unknown): PosternError {
  if (error instanceof PosternError) return error;
  const why = { ENOENT: 'there is no such file', EISDIR: 'is a directory', EACCES: 'may not be read' }[
    errorCode(error) ?? ''
  ];
  return new UsageError(`${file}: ${why ?? 'cannot be read'}`, { cause: error });
}

export async function readScanFile(file: string, signal?: AbortSignal): Promise<Submitted<ScanReport>> {
  const { text, sha256 } = await readEvidence(file, signal);
  return { report: parseScan(text), sha256 };
}

export async function readTestsFile(file: string, boundTo?: string, signal?: AbortSignal): Promise<SubmittedTests> {
  const { text, sha256 } = await readEvidence(file, signal);
  return { report: parseTests(text), sha256, ...(boundTo === undefined ? {} : { boundTo }) };
}

/** PowerShell's `>` writes UTF-16 with a byte order mark. */
function decode(bytes: Buffer): string {
  if (bytes.length >= 2 && bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le');
  if (bytes.length >= 2 && bytes[0] === 0xfe && bytes[1] === 0xff)
    return Buffer.from(bytes.subarray(2, bytes.length - (bytes.length % 2)))
      .swap16()
      .toString('utf16le');
  return bytes.toString('utf8');
}
