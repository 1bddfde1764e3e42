import { checkDocument, type Diagnostic, formatPath } from '@postern/core';
import type { AdmissionContext, ResourceKind } from '@postern/resources';

/** An AdmissionReview in, a verdict out: the kinds' own schemas and rules, as the embedded store applies them. PURE. */

export interface AdmissionRequest {
  readonly uid: string;
  readonly operation: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly object?: unknown;
  readonly oldObject?: unknown;
}

export interface FieldIssue {
  /** `spec.platform.aws.region` */
  readonly field: string;
  readonly message: string;
}

export interface Verdict {
  readonly issues: readonly FieldIssue[];
  /** Told by kubectl, and no reason to refuse. */
  readonly warnings: readonly string[];
}

const admitted: Verdict = { issues: [], warnings: [] };

export function judge(
  kinds: readonly ResourceKind[],
  request: AdmissionRequest,
  specOf: AdmissionContext['specOf'],
): Verdict {
  const { group, version, kind: name } = request.kind;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const kind = kinds.find((known) => known.kind === name && known.apiVersion === apiVersion);
  if (kind === undefined || !['CREATE', 'UPDATE'].includes(request.operation)) return admitted;
  const next = record(request.object);
  const previous = request.operation === 'UPDATE' ? record(request.oldObject) : undefined;
  // What is on its way out must be able to go, whatever is wrong with it; and metadata is nobody's business here.
  if (record(next['metadata'])['deletionTimestamp'] !== undefined) return admitted;
  if (previous !== undefined && same(next['spec'], previous['spec'])) return admitted;
  const problems = schemaProblems(kind, next);
  // An object that was wrong before the webhook came can still be changed elsewhere.
  const known = new Set((previous === undefined ? [] : schemaProblems(kind, previous)).map(text));
  const fresh = problems.filter((problem) => !known.has(text(problem)));
  const isUnknownKey = ({ message }: FieldIssue): boolean => message.startsWith('unknown key');
  const refused = fresh.filter((problem) => !isUnknownKey(problem));
  // A newer Hive may know more fields than we do; the API server holds objects to the definition that is installed.
  const warnings = fresh.filter(isUnknownKey).map(text);
  if (refused.length > 0) return { issues: refused, warnings };
  const rules = kind.admit(kind.specOf(next), previous === undefined ? undefined : kind.specOf(previous), {
    where: 'cluster',
    specOf,
  });
  const issues = rules
    .filter(({ severity }) => severity !== 'warning')
    .map(({ path, message }) => ({ field: formatPath(path), message }));
  const told = rules.filter(({ severity }) => severity === 'warning');
  return { issues, warnings: [...warnings, ...told.map(({ path, message }) => `${formatPath(path)}: ${message}`)] };
}

/** The AdmissionReview that answers a request. */
export function answer(uid: string, { issues, warnings }: Verdict): object {
  const response = {
    uid,
    allowed: issues.length === 0,
    ...(warnings.length === 0 ? {} : { warnings: warnings.slice(0, 10) }),
    ...(issues.length === 0
      ? {}
      : {
          status: {
            status: 'Failure',
            // As Hive answers: kubectl then says which webhook refused, and of which file.
            code: 403,
            reason: 'Forbidden',
            message: issues.map(text).join('; '),
            details: {
              causes: issues.map(({ field, message }) => ({ reason: 'FieldValueInvalid', field, message })),
            },
          },
        }),
  };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

function schemaProblems(kind: ResourceKind, value: Record<string, unknown>): FieldIssue[] {
  const document = { file: '', node: undefined as never, value, locate: () => ({ line: 1, col: 1 }) };
  const checked = checkDocument(document, kind.schema);
  return checked.ok ? [] : checked.diagnostics.map(({ path, message }: Diagnostic) => ({ field: path, message }));
}

function text({ field, message }: FieldIssue): string {
  return `${field}: ${message}`;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
