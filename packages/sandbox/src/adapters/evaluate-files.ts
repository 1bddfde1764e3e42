/** `gate evaluate`: reads the files that the command line names, and asks the gate. */
import { readFile } from 'node:fs/promises';
import { UsageError } from '@postern/core';
import { type Verdict, defaultPolicy, evaluate, parseImage, readWaivers } from '../gate/index.ts';
import type { Sandbox } from '../plan/sandbox.ts';
import { loadFiles } from './files.ts';
import { readScanFile, readTestsFile, unreadableFile } from './evidence-files.ts';

export interface EvaluateFiles {
  readonly image: string;
  readonly scan: readonly string[];
  readonly tests: readonly string[];
  readonly waivers: readonly string[];
  readonly environment?: string;
  /** The Sandbox document whose gate policy applies, and whose name is the environment. */
  readonly sandbox?: string;
  readonly nowMs: number;
}

export async function evaluateFiles(options: EvaluateFiles): Promise<Verdict> {
  const image = parseImage(options.image);
  if ('kind' in image) throw new UsageError(`--image ${JSON.stringify(options.image)} ${image.reason}`);
  const sandbox = options.sandbox === undefined ? undefined : await readSandbox(options.sandbox);
  const environment = options.environment ?? sandbox?.name;
  const waivers = await Promise.all(options.waivers.map(async (file) => readWaivers(file, await readText(file))));
  return evaluate({
    image,
    ...(environment === undefined ? {} : { environment }),
    scans: await Promise.all(options.scan.map((file) => readScanFile(file))),
    tests: await Promise.all(options.tests.map((file) => readTestsFile(file))),
    waivers: waivers.flat(),
    policy: sandbox?.gate ?? defaultPolicy,
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

async function readSandbox(file: string): Promise<Sandbox> {
  const { sandbox } = await loadFiles([file]);
  if (sandbox === undefined) throw new UsageError(`${file} holds no Sandbox document`);
  return sandbox;
}
