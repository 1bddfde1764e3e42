/** The sandbox's documents, text to resources: every file and every problem at once. PURE: the caller reads the files. */
import {
  ConfigError,
  type Diagnostic,
  type ParsedDocument,
  checkDocument,
  didYouMean,
  formatPath,
  parseYaml,
} from '@postern/core';
import { type Tenant, type TenantDocument, tenantSchema, toTenant } from '../baseline/tenant.ts';
import { isObject } from '../gate/json.ts';
import { type Waiver, fromDocument, waiverSchema } from '../gate/waiver.ts';

export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

export interface Resources {
  readonly tenants: readonly Tenant[];
  readonly waivers: readonly Waiver[];
}

const schemas = { Tenant: tenantSchema, Waiver: waiverSchema } as const;
type KindName = keyof typeof schemas;

interface Loaded {
  readonly kind: KindName;
  readonly name: string;
  readonly value: unknown;
  readonly document: ParsedDocument;
}

/** Reads all kinds; throws `ConfigError` with every problem of every file. */
export function loadResources(files: readonly SourceFile[]): Resources {
  const problems: Diagnostic[] = [];
  const loaded: Loaded[] = [];
  for (const { file, text } of files) {
    const { documents, diagnostics } = parseYaml(file, text);
    problems.push(...diagnostics);
    for (const document of documents) {
      const one = loadOne(document, problems);
      if (one !== undefined) loaded.push(one);
    }
  }
  duplicates(loaded, problems);
  const tenants = loaded.filter((one) => one.kind === 'Tenant');
  crossTenants(tenants, problems);
  if (problems.some((problem) => problem.severity === 'error')) throw new ConfigError(problems);
  return {
    tenants: tenants.map((one) => toTenant(one.value as TenantDocument)),
    waivers: loaded
      .filter((one) => one.kind === 'Waiver')
      .map((one) => fromDocument(one.value as Parameters<typeof fromDocument>[0])),
  };
}

function loadOne(document: ParsedDocument, problems: Diagnostic[]): Loaded | undefined {
  const value = isObject(document.value) ? document.value : {};
  const kind = value['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(schemas, kind)) {
    const near = typeof kind === 'string' ? didYouMean(kind, Object.keys(schemas)) : undefined;
    problems.push(
      diagnostic(
        document,
        ['kind'],
        `${typeof kind === 'string' ? `${JSON.stringify(kind)} is no kind of the sandbox` : 'is missing'}${near === undefined ? ` (${Object.keys(schemas).join(', ')})` : `, did you mean ${near}?`}`,
      ),
    );
    return undefined;
  }
  const checked = checkDocument<unknown>(document, schemas[kind as KindName]);
  if (!checked.ok) {
    problems.push(...checked.diagnostics);
    return undefined;
  }
  const { metadata } = checked.value as { metadata: { name: string } };
  return { kind: kind as KindName, name: metadata.name, value: checked.value, document };
}

function duplicates(loaded: readonly Loaded[], problems: Diagnostic[]): void {
  const seen = new Map<string, Loaded>();
  for (const one of loaded) {
    const first = seen.get(`${one.kind}/${one.name}`);
    if (first === undefined) seen.set(`${one.kind}/${one.name}`, one);
    else
      problems.push(
        diagnostic(
          one.document,
          ['metadata', 'name'],
          `${one.kind} ${one.name} exists already (${first.document.file}:${first.document.locate(['metadata', 'name']).line})`,
        ),
      );
  }
}

/** One namespace, one owner; a grant names tenants that exist. */
function crossTenants(tenants: readonly Loaded[], problems: Diagnostic[]): void {
  const names = tenants.map((one) => one.name);
  const owners = new Map<string, string>();
  for (const { name, value, document } of tenants) {
    const { spec } = value as TenantDocument;
    for (const [i, namespace] of spec.namespaces.entries()) {
      const owner = owners.get(namespace);
      if (owner !== undefined)
        problems.push(diagnostic(document, ['spec', 'namespaces', i], `${namespace} belongs to tenant ${owner}`));
      owners.set(namespace, name);
    }
    for (const [i, grant] of (spec.grants ?? []).entries())
      for (const end of ['from', 'to'] as const)
        if (!names.includes(grant[end])) {
          const near = didYouMean(grant[end], names);
          problems.push(
            diagnostic(
              document,
              ['spec', 'grants', i, end],
              `there is no tenant ${grant[end]} in these files${near === undefined ? '' : `, did you mean ${near}?`}`,
            ),
          );
        }
  }
}

export function diagnostic(
  document: ParsedDocument,
  path: readonly PropertyKey[],
  message: string,
  severity: Diagnostic['severity'] = 'error',
): Diagnostic {
  return {
    severity,
    file: document.file,
    ...document.locate(path),
    path: formatPath(path),
    message,
  };
}
