/** `gate evaluate`: reads the files that the command line names, and asks the gate. */
import { readFile } from 'node:fs/promises';
import { UsageError } from '@postern/core';
import { type Verdict, evaluate, parseImage, readWaivers, defaultPolicy } from '../gate/index.ts';
import { readScanFile, readTestsFile, unreadableFile } from './evidence-files.ts';

export interface EvaluateFiles {
  readonly image: string;
  readonly scan: readonly string[];
  readonly tests: readonly string[];
  readonly waivers: readonly string[];
  readonly environment?: string;
  readonly nowMs: number;
}

export async function evaluateFiles(options: EvaluateFiles): Promise<Verdict> {
  const image = parseImage(options.image);
  if ('kind' in image) throw new UsageError(`--image ${JSON.stringify(options.image)} ${image.reason}`);
  const waivers = await Promise.all(options.waivers.map(async (file) => readWaivers(file, await readText(file))));
  return evaluate({
    image,
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    scans: await Promise.all(options.scan.map((file) => readScanFile(file))),
    tests: await Promise.all(options.tests.map((file) => readTestsFile(file))),
    waivers: waivers.flat(),
    policy: defaultPolicy,
    nowMs: options.nowMs,
  });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadableFile(file, error);
  }
}
