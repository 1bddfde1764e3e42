/** Text of config.yaml -> an instance and everything there is to say about it, with places. PURE. */
import { checkDocument, ConfigError, type Diagnostic, type ParsedDocument, parseYaml } from '@postern/core';
import { isScalar } from 'yaml';
import { crossCheck, toDiagnostic } from './check.ts';
import { type Instance, instanceOf } from './model.ts';
import { instanceSchema } from './schema.ts';

export interface LoadedInstance {
  readonly instance: Instance;
  /** Warnings only: errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Throws `ConfigError` with every problem at once, warnings among them. */
export function parseInstance(file: string, text: string): LoadedInstance {
  const { documents, diagnostics } = parseYaml(file, text);
  if (diagnostics.length > 0) throw new ConfigError(diagnostics);
  const [document, extra] = documents;
  const whole = { severity: 'error', file, line: 1, col: 1, path: '' } as const;
  if (document === undefined) throw new ConfigError([{ ...whole, message: 'is empty' }]);
  if (extra !== undefined)
    throw new ConfigError([{ ...whole, ...extra.locate([]), message: 'holds a second document; one is expected' }]);
  const checked = checkDocument(document, instanceSchema);
  if (!checked.ok) throw new ConfigError(checked.diagnostics.map((diagnostic) => quoted(document, diagnostic)));
  const cross = crossCheck(checked.value).map((problem) => toDiagnostic(document, problem));
  if (cross.some(({ severity }) => severity === 'error')) throw new ConfigError(inOrder(cross));
  return { instance: instanceOf(checked.value), diagnostics: inOrder(cross) };
}

/** An unquoted account id is a number to YAML; what to write is its text in quotes. */
function quoted(document: ParsedDocument, diagnostic: Diagnostic): Diagnostic {
  if (!diagnostic.path.endsWith('.accountID') || !diagnostic.message.includes('got number')) return diagnostic;
  const node = document.node.getIn(diagnostic.path.split('.'), true);
  const source = isScalar(node) ? (node.source ?? String(node.value)) : '';
  return {
    ...diagnostic,
    message: `is a number because it has no quotes; write "${source}" (a leading zero would be lost)`,
  };
}

function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted((a, b) => a.line - b.line || a.col - b.col);
}
