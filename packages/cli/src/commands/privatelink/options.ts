import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration, parseListen } from '@postern/core';
import type { StoreSource } from '@postern/resources';

/** The options that the PrivateLink commands share. */

export interface SourceOptions {
  readonly resources?: string;
  readonly state?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly awsEndpoint?: string;
}

/** Where resources come from, and where AWS is. */
export function addSourceOptions(command: Command): Command {
  return command
    .option('--resources <dir>', 'folder with resource files (HiveConfig, ClusterDeployment, PrivateLink, Secret, ...)')
    .option('--state <file>', "with --resources: the store's database (default: DIR/.postern/state.db)")
    .option('--kubeconfig <file>', 'instead: the cluster that holds the resources (in a pod: its own cluster)')
    .option('--context <name>', 'with --kubeconfig: the context (default: its current one)')
    .addOption(
      new Option('--aws-endpoint <url>', 'one URL for all of AWS, such as that of "postern lab aws"').argParser(
        parseEndpoint,
      ),
    );
}

/** The folder or the cluster, or what to type. */
export async function sourceOf({ resources, state, kubeconfig, context }: SourceOptions): Promise<StoreSource> {
  const { inPod, storeSource } = await import('@postern/resources');
  return storeSource({ resources, state, kubeconfig, context, inPod: inPod(process.env) });
}

function parseEndpoint(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidArgumentError('It is not a URL such as http://127.0.0.1:4566.');
  return text;
}

export function parseDurationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 1000)
    throw new InvalidArgumentError('It is not a duration of a second or more such as 90s or 10m.');
  return ms;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1000)
    throw new InvalidArgumentError('It is not a number from 1 to 1000.');
  return count;
}

export function parseAddress(text: string): { host: string; port: number } {
  const parsed = parseListen(text);
  if ('kind' in parsed) throw new InvalidArgumentError(`It ${parsed.reason}.`);
  return parsed;
}
