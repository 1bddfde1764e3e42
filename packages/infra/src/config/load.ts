/** Text of config.yaml -> an instance and everything there is to say about it, with places. PURE. */
import { checkDocument, ConfigError, type Diagnostic, formatPath, type ParsedDocument, parseYaml } from '@postern/core';
import { isScalar } from 'yaml';
import { crossCheck, type Problem, toDiagnostic } from './check.ts';
import { type Instance, instanceOf } from './model.ts';
import { instanceSchema } from './schema.ts';
import { normalize, type Normalized, origin } from './spellings.ts';

export interface LoadedInstance {
  readonly instance: Instance;
  /** Warnings only: errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
  /** Gives a problem found later its place in the file. */
  readonly place: (problem: Problem) => Diagnostic;
}

/** Throws `ConfigError` with every problem at once, warnings among them. */
export function parseInstance(file: string, text: string): LoadedInstance {
  const { document, spellings } = read(file, text);
  const checked = checkDocument(document, instanceSchema);
  const fields = checked.ok ? [] : checked.diagnostics.map((diagnostic) => quoted(document, diagnostic));
  const cross = crossCheck(document.value).map((problem) => toDiagnostic(document, problem));
  const all = inOrder([...spellings, ...[...fields, ...cross].map((problem) => relocated(document, problem))]);
  if (!checked.ok || all.some(({ severity }) => severity === 'error')) throw new ConfigError(all);
  const place = (problem: Problem): Diagnostic => relocated(document, toDiagnostic(document, problem));
  return { instance: instanceOf(checked.value), diagnostics: all, place };
}

/** The older spellings alone, for `migrate`, and what the document means without them. */
export function readSpellings(file: string, text: string): { changes: Diagnostic[]; value: unknown } {
  const { document, spellings } = read(file, text);
  if (spellings.some(({ severity }) => severity === 'error')) throw new ConfigError(inOrder(spellings));
  return { changes: inOrder(spellings), value: document.value };
}

/** A document in the current spelling whose places are those of the text. */
interface CurrentDocument extends ParsedDocument {
  readonly origins: Normalized['origins'];
}

function read(file: string, text: string): { document: CurrentDocument; spellings: Diagnostic[] } {
  const { documents, diagnostics } = parseYaml(file, text);
  if (diagnostics.length > 0) throw new ConfigError(diagnostics);
  const [written, extra] = documents;
  const whole = { severity: 'error', file, line: 1, col: 1, path: '' } as const;
  if (written === undefined) throw new ConfigError([{ ...whole, message: 'is empty' }]);
  if (extra !== undefined)
    throw new ConfigError([{ ...whole, ...extra.locate([]), message: 'holds a second document; one is expected' }]);
  const { value, spellings, origins } = normalize(written.value);
  const document: CurrentDocument = {
    ...written,
    value,
    origins,
    locate: (path, key) => written.locate(origin(origins, path), key),
  };
  return {
    document,
    spellings: spellings.map(({ path, severity, message }) => ({
      severity,
      file,
      ...written.locate(path, true),
      path: formatPath(path),
      message: severity === 'warning' ? `${message} (postern instance migrate rewrites it)` : message,
    })),
  };
}

/** Says the path as the file has it, not as it would be written today. */
function relocated({ origins }: CurrentDocument, diagnostic: Diagnostic): Diagnostic {
  for (const [current, written] of origins) {
    const prefix = formatPath(current);
    if (
      diagnostic.path === prefix ||
      diagnostic.path.startsWith(`${prefix}.`) ||
      diagnostic.path.startsWith(`${prefix}[`)
    )
      return { ...diagnostic, path: formatPath(written) + diagnostic.path.slice(prefix.length) };
  }
  return diagnostic;
}

/** An unquoted account id is a number to YAML; what to write is its text in quotes. */
function quoted(document: CurrentDocument, diagnostic: Diagnostic): Diagnostic {
  if (!diagnostic.path.endsWith('.accountID') || !diagnostic.message.includes('got number')) return diagnostic;
  const node = document.node.getIn([...origin(document.origins, diagnostic.path.split('.'))], true);
  const source = isScalar(node) ? (node.source ?? String(node.value)) : '';
  return {
    ...diagnostic,
    message: `is a number because it has no quotes; write "${source}" (a leading zero would be lost)`,
  };
}

function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted((a, b) => a.line - b.line || a.col - b.col);
}
