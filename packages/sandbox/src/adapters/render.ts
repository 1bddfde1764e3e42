/** Charts and YAML to manifests: through Helm where the folder is a chart, as they are otherwise. */
import { ConfigError, type Diagnostic, UsageError, formatPath, parseYaml } from '@postern/core';
import type { ParsedDocument } from '@postern/core';
import type { Manifest } from '../baseline/labels.ts';
import { isObject } from '../gate/json.ts';
import { type LintFinding, type LintOptions, lintManifest } from '../plan/lint.ts';
import { sourceFiles } from './files.ts';
import { type ChartValues, helmArguments, isChart, runHelm } from './helm.ts';

export interface RenderOptions extends ChartValues {
  readonly environment: NodeJS.ProcessEnv;
}

export interface Rendered {
  readonly manifests: readonly Manifest[];
  readonly documents: readonly ParsedDocument[];
}

export async function render(path: string, options: RenderOptions): Promise<Rendered> {
  const files = isChart(path)
    ? [{ file: path, text: await runHelm(['template', ...helmArguments(options, path)], options) }]
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
