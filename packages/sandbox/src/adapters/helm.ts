/** Helm, as a child: renders charts, and installs what was rendered and judged. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { PosternError, parseYaml } from '@postern/core';
import { stringify } from 'yaml';
import type { Manifest } from '../baseline/labels.ts';
import { object, text } from '../gate/json.ts';

export function findHelm(environment: NodeJS.ProcessEnv): string | undefined {
  return (environment['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'helm'))
    .find((path) => existsSync(path));
}

export function isChart(path: string): boolean {
  return existsSync(join(path, 'Chart.yaml'));
}

export interface ChartValues {
  readonly release: string;
  readonly namespace: string | undefined;
  readonly values: readonly string[];
  readonly set: Readonly<Record<string, string>>;
}

export function helmArguments({ release, namespace, values, set }: ChartValues, chart: string): string[] {
  return [
    release,
    chart,
    ...(namespace === undefined ? [] : ['--namespace', namespace]),
    ...values.flatMap((file) => ['--values', file]),
    ...Object.entries(set).flatMap(([key, value]) => ['--set-string', `${key}=${value}`]),
  ];
}

/** Helm may ask registries for dependencies; beyond this it hangs. */
const helmTimeoutMs = 120_000;

export interface HelmRun {
  readonly environment: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What it printed. Throws with Helm's own words when it fails. */
export async function runHelm(
  args: readonly string[],
  { environment, timeoutMs = helmTimeoutMs, signal }: HelmRun,
): Promise<string> {
  const helm = findHelm(environment);
  if (helm === undefined)
    throw new PosternError('HELM_MISSING', 'helm is not on PATH, and a chart needs it', {
      hint: 'install Helm 3, or give rendered manifests (helm template CHART > manifests.yaml elsewhere)',
    });
  // ConfigMaps: a deployer may not list Secrets, and what is in a release record is no secret here.
  const child = spawn(helm, args, {
    env: { ...environment, HELM_DRIVER: 'configmap' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    signal,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
  const [code, killed] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...ended) => resolve(ended));
  });
  if (code !== 0) {
    const why = killed === null ? '' : ` (ended by ${killed} after ${timeoutMs / 1000} s)`;
    throw new PosternError('HELM', `helm ${args[0]} failed${why}: ${stderr.trim().split('\n').slice(-10).join('\n')}`);
  }
  return stdout;
}

export interface HelmInstall extends HelmRun {
  readonly release: string;
  readonly namespace: string;
  /** The chart that the manifests were rendered from: the release keeps its name and version. */
  readonly chart: string;
  readonly context: string;
  readonly user: string;
  readonly groups: readonly string[];
  /** How long to wait until all is available; undefined: not at all. */
  readonly waitMs: number | undefined;
}

/** Helm's own end comes first, with a better message than ours. */
const graceMs = 30_000;

/**
 * `helm upgrade --install` of exactly these manifests: a chart rendered again would be another text than the one that was
 * pinned to digests, linted and put on record, and a rollback would take today's chart for yesterday's.
 */
export async function installWithHelm(manifests: readonly Manifest[], options: HelmInstall): Promise<void> {
  const { release, namespace, context, user, groups, waitMs } = options;
  const folder = await mkdtemp(join(tmpdir(), 'postern-chart-'));
  try {
    await mkdir(join(folder, 'templates'));
    await writeFile(join(folder, 'Chart.yaml'), stringify(await about(options)));
    await writeFile(
      join(folder, 'manifests.yaml'),
      manifests.map((one) => stringify(one, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n'),
    );
    // Through a file, because braces in a manifest are no template.
    await writeFile(join(folder, 'templates/manifests.yaml'), '{{ .Files.Get "manifests.yaml" }}\n');
    await runHelm(
      [
        'upgrade',
        '--install',
        release,
        folder,
        '--namespace',
        namespace,
        '--kube-context',
        context,
        '--kube-as-user',
        user,
        ...groups.flatMap((group) => ['--kube-as-group', group]),
        ...(waitMs === undefined ? [] : ['--wait', '--timeout', `${waitMs / 1000}s`]),
      ],
      waitMs === undefined ? options : { ...options, timeoutMs: waitMs + graceMs },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function about({ chart, release }: HelmInstall): Promise<Record<string, string>> {
  const file = join(chart, 'Chart.yaml');
  // A rollback may come after the chart has gone.
  const source = await readFile(file, 'utf8').catch(() => '');
  const own = object(parseYaml(file, source).documents[0]?.value);
  const appVersion = text(own['appVersion']);
  return {
    apiVersion: 'v2',
    name: text(own['name']) ?? release,
    version: text(own['version']) ?? '0.0.0',
    ...(appVersion === undefined ? {} : { appVersion }),
    description: `Rendered from ${text(own['name']) ?? 'a chart'}, pinned to digests and judged before it was installed.`,
  };
}
