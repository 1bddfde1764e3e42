/** Charts and YAML to manifests: through Helm where the folder is a chart, as they are otherwise. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ConfigError, type Diagnostic, PosternError, UsageError, formatPath, parseYaml } from '@postern/core';
import type { ParsedDocument } from '@postern/core';
import type { Manifest } from '../baseline/labels.ts';
import { isObject } from '../gate/json.ts';
import { type LintFinding, type LintOptions, lintManifest } from '../plan/lint.ts';
import { sourceFiles } from './files.ts';

export interface RenderOptions {
  readonly release: string;
  readonly namespace: string | undefined;
  readonly values: readonly string[];
  readonly set: Readonly<Record<string, string>>;
  readonly environment: NodeJS.ProcessEnv;
}

export function findHelm(environment: NodeJS.ProcessEnv): string | undefined {
  return (environment['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'helm'))
    .find((path) => existsSync(path));
}

export function isChart(path: string): boolean {
  return existsSync(join(path, 'Chart.yaml'));
}

/** Helm may ask registries for dependencies; beyond this it hangs. */
const helmTimeoutMs = 120_000;

export function helmArguments({ release, namespace, values, set }: RenderOptions, chart: string): string[] {
  return [
    release,
    chart,
    ...(namespace === undefined ? [] : ['--namespace', namespace]),
    ...values.flatMap((file) => ['--values', file]),
    ...Object.entries(set).flatMap(([key, value]) => ['--set-string', `${key}=${value}`]),
  ];
}

export async function runHelm(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  const helm = findHelm(environment);
  if (helm === undefined)
    throw new PosternError('HELM_MISSING', 'helm is not on PATH, and a chart needs it', {
      hint: 'install Helm 3, or give rendered manifests (helm template CHART > manifests.yaml elsewhere)',
    });
  // ConfigMaps: a deployer may not list Secrets, and what is in a release record is no secret here.
  const child = spawn(helm, args, {
    env: { ...environment, HELM_DRIVER: 'configmap' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: helmTimeoutMs,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new PosternError('HELM', `helm ${args[0]} failed: ${stderr.trim().split('\n').slice(-10).join('\n')}`);
  return stdout;
}

export interface Rendered {
  readonly manifests: readonly Manifest[];
  readonly documents: readonly ParsedDocument[];
}

export async function render(path: string, options: RenderOptions): Promise<Rendered> {
  const files = isChart(path)
    ? [{ file: path, text: await runHelm(['template', ...helmArguments(options, path)], options.environment) }]
    : await sourceFiles([path]);
  const problems: Diagnostic[] = [];
  const documents: ParsedDocument[] = [];
  for (const { file, text } of files) {
    const parsed = parseYaml(file, text);
    problems.push(...parsed.diagnostics);
    documents.push(...parsed.documents);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  if (documents.length === 0) throw new UsageError(`${path} holds no manifest`);
  return {
    documents,
    manifests: documents.map((document) => document.value).filter((value): value is Manifest => isObject(value)),
  };
}

export interface LintResult {
  readonly diagnostics: ReadonlyArray<Diagnostic & { readonly rule: string }>;
  readonly objects: number;
}

export async function lintPath(path: string, options: RenderOptions): Promise<LintResult> {
  const { documents } = await render(path, options);
  return {
    objects: documents.length,
    diagnostics: documents.flatMap((document) => lintDocument(document, { namespace: options.namespace })),
  };
}

export function lintDocument(document: ParsedDocument, options: LintOptions): Array<Diagnostic & { rule: string }> {
  return lintManifest(document.value, options).map((finding: LintFinding) => ({
    severity: finding.severity,
    rule: finding.rule,
    file: document.file,
    ...document.locate(finding.path),
    path: formatPath(finding.path),
    message: finding.message,
  }));
}
