import { checkDocument, type Diagnostic, didYouMean, formatPath, type ParsedDocument, parseYaml } from '@postern/core';
import type { ResourceKind } from '../resource-kind.ts';
import { defaultNamespace, keyText, type ObjectKey } from '../resource.ts';

/** A file's text -> the objects it asks for, or all that is wrong with it. */

/** An object as a file asks for it. */
export interface WantedObject {
  readonly kind: ResourceKind;
  readonly key: ObjectKey;
  /** A Secret without a namespace serves every namespace: in a folder of files there is nobody to keep it from. */
  readonly namespaceGiven: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: unknown;
  /** As exported from a cluster; seeds the status of an object that the store has never seen. */
  readonly status: unknown;
  readonly file: string;
  readonly document: ParsedDocument;
}

export interface ParsedFile {
  readonly objects: readonly WantedObject[];
  readonly diagnostics: readonly Diagnostic[];
}

export function parseFile(kinds: readonly ResourceKind[], file: string, text: string): ParsedFile {
  const parsed = parseYaml(file, text);
  const diagnostics = [...parsed.diagnostics];
  const objects: WantedObject[] = [];
  for (const document of parsed.documents) {
    for (const item of itemsOf(document)) {
      const result = parseObject(kinds, item);
      diagnostics.push(...result.diagnostics);
      if (result.object !== undefined) objects.push(result.object);
    }
  }
  return { objects, diagnostics };
}

/** A `List`, as `kubectl get -o yaml` prints, is its items. */
function itemsOf(document: ParsedDocument): ParsedDocument[] {
  const { kind, items } = record(document.value);
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [document];
  return items.map((value: unknown, i) => ({
    ...document,
    value,
    locate: (path, key) => document.locate(['items', i, ...path], key),
  }));
}

function parseObject(
  kinds: readonly ResourceKind[],
  document: ParsedDocument,
): { object?: WantedObject; diagnostics: readonly Diagnostic[] } {
  const value = record(document.value);
  const kind = kinds.find((kind) => kind.apiVersion === value['apiVersion'] && kind.kind === value['kind']);
  if (kind === undefined) return { diagnostics: [unknownKind(kinds, document, value)].flat() };
  const checked = checkDocument(document, kind.schema);
  if (!checked.ok) return { diagnostics: checked.diagnostics };
  const checkedValue = checked.value as Record<string, unknown>;
  const metadata = checkedValue['metadata'] as {
    name: string;
    namespace?: string;
    labels?: Record<string, string> | null;
    annotations?: Record<string, string> | null;
  };
  const spec = kind.specOf(checkedValue);
  const namespace = kind.scope === 'Cluster' ? '' : (metadata.namespace ?? defaultNamespace);
  return {
    diagnostics: [],
    object: {
      kind,
      key: { kind: kind.kind, namespace, name: metadata.name },
      namespaceGiven: metadata.namespace !== undefined,
      labels: metadata.labels ?? {},
      annotations: metadata.annotations ?? {},
      spec,
      status: checkedValue['status'],
      file: document.file,
      document,
    },
  };
}

/** A slip in one of our own groups is an error; a manifest of somebody else (a Namespace, a Kustomization) is only mentioned. */
function unknownKind(
  kinds: readonly ResourceKind[],
  document: ParsedDocument,
  value: Record<string, unknown>,
): Diagnostic[] {
  const { apiVersion, kind } = value;
  const at = (path: string, message: string, severity: Diagnostic['severity']): Diagnostic => ({
    severity,
    file: document.file,
    ...document.locate([path]),
    path,
    message,
  });
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    // A values file or a package.json beside the resources is nobody's mistake.
    if (!['apiVersion', 'kind', 'metadata', 'spec'].some((key) => key in value))
      return [at('', 'is not a resource (no apiVersion, no kind)', 'warning')];
    const missing = typeof apiVersion === 'string' ? 'kind' : 'apiVersion';
    return [at(missing, 'is missing (expected string)', 'error')];
  }
  const near = didYouMean(
    kind,
    kinds.map((known) => known.kind),
  );
  const hint = near === undefined ? '' : `, did you mean ${near} (${kinds.find((k) => k.kind === near)!.apiVersion})?`;
  const ours = kinds.some((known) => group(known.apiVersion) === group(apiVersion) && known.apiVersion !== 'v1');
  if (!ours && near !== kind) return [at('kind', `${apiVersion} ${kind} is not used here${hint}`, 'warning')];
  return [at(near === kind ? 'apiVersion' : 'kind', `${apiVersion} ${kind} is not a known kind${hint}`, 'error')];
}

function group(apiVersion: string): string {
  return apiVersion.split('/')[0]!;
}

export function diagnosticAt(
  document: ParsedDocument,
  issue: {
    readonly path: readonly PropertyKey[];
    readonly message: string;
    readonly severity?: Diagnostic['severity'];
  },
): Diagnostic {
  return {
    severity: issue.severity ?? 'error',
    file: document.file,
    ...document.locate(issue.path),
    path: formatPath(issue.path),
    message: issue.message,
  };
}

/** The same object in two files: the second is the mistake, because the first was there when it was written. */
export function duplicateOf(object: WantedObject, first: WantedObject): Diagnostic {
  return diagnosticAt(object.document, {
    path: ['metadata', 'name'],
    message: `${keyText(object.key)} is defined in ${first.file} too; keep one of them`,
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
