import { PosternError } from './errors.ts';

/** A problem in a document, with the place where a person would look for it. Line and column count from 1. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  readonly line: number;
  readonly col: number;
  /** Where in the document, as `spec.rules[0].name`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
}

/** `file:line:col: path: message`, the form editors and CI annotate. */
export function formatDiagnostic(d: Diagnostic): string {
  const place = `${d.file}:${d.line}:${d.col}:`;
  const text = d.path === '' ? d.message : `${d.path}: ${d.message}`;
  return d.severity === 'warning' ? `${place} warning: ${text}` : `${place} ${text}`;
}

/** A path of keys and indexes as people write it: `rules[0].destinations`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}

/** One or more documents are wrong. All problems at once; exit code 2. */
export class ConfigError extends PosternError {
  override readonly name = 'ConfigError';
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super('CONFIG', diagnostics.map(formatDiagnostic).join('\n'), { exitCode: 2 });
    this.diagnostics = diagnostics;
  }
}
