import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { Cluster, Release, Releases } from '@postern/sandbox';
import { progress } from '../../../io/progress.ts';
import { type ClusterFlags, clusterOptions } from '../cluster-options.ts';

export interface ReleaseFlags {
  readonly dir: string;
  readonly as?: string;
}

export function releaseOptions(command: Command): Command {
  return command
    .option('--dir <dir>', 'the sandbox’s folder; its releases lie in state/releases.sqlite', '.')
    .option(
      '--as <name>',
      'who acts: recorded, and held against spec.releases; default: POSTERN_ACTOR or the login name',
    );
}

export async function openReleases({ dir, as }: ReleaseFlags): Promise<Releases> {
  const { Releases } = await import('@postern/sandbox');
  const { systemClock } = await import('@postern/daemon');
  return Releases.open({ dir, actor: as ?? process.env['POSTERN_ACTOR'] ?? userInfo().username, clock: systemClock });
}

export const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value];

export function describe(release: Release): string {
  const reasons = release.verdicts.flatMap((verdict) =>
    verdict.reasons.map((reason) => `  ${reason.code}: ${reason.message}\n`),
  );
  return `${release.name}: ${release.state}\n${reasons.join('')}`;
}

export interface InstallFlags extends ReleaseFlags, ClusterFlags {
  readonly wait: boolean;
  readonly quiet?: boolean;
}

export function installOptions(command: Command): Command {
  return clusterOptions(releaseOptions(command))
    .option('--no-wait', 'do not wait until it is available')
    .option('--quiet', 'no progress');
}

/** The cluster twice: as the platform, and as the tenant's deployer, whose rights end at the namespace. */
export async function installing(flags: InstallFlags) {
  const { Cluster, deployerIdentity } = await import('@postern/sandbox');
  const { systemClock, terminationSignal } = await import('@postern/daemon');
  const live = progress({ quiet: flags.quiet === true });
  let platform: Promise<Cluster> | undefined;
  return {
    dir: flags.dir,
    environment: { ...process.env, ...(flags.kubeconfig === undefined ? {} : { KUBECONFIG: flags.kubeconfig }) },
    clock: systemClock,
    wait: flags.wait,
    signal: terminationSignal(),
    step: (text: string) => live.step(text),
    platform: () => (platform ??= Cluster.open(flags)),
    deployer: (tenant: string) => Cluster.open({ ...flags, impersonate: deployerIdentity(tenant) }),
    end: () => live.end(),
  };
}
