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
import {
  type BuildingBlock,
  type BuildingBlockDocument,
  buildingBlockSchema,
  toBuildingBlock,
} from './building-block.ts';
import { planNetwork } from './network.ts';
import { type Project, type ProjectDocument, projectSchema, toProject } from './project.ts';
import { type Sandbox, type SandboxDocument, isAws, sandboxSchema, toSandbox } from './sandbox.ts';

export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

export interface Resources {
  /** The one Sandbox, where the files have one. */
  readonly sandbox: Sandbox | undefined;
  readonly projects: readonly Project[];
  readonly blocks: readonly BuildingBlock[];
  readonly tenants: readonly Tenant[];
  readonly waivers: readonly Waiver[];
  readonly warnings: readonly Diagnostic[];
}

const schemas = {
  Sandbox: sandboxSchema,
  Tenant: tenantSchema,
  Project: projectSchema,
  BuildingBlock: buildingBlockSchema,
  Waiver: waiverSchema,
} as const;
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
  const sandboxes = loaded.filter((one) => one.kind === 'Sandbox');
  const projects = loaded.filter((one) => one.kind === 'Project');
  crossProjects(projects, tenants, sandboxes, problems);
  const blocks = loaded.filter((one) => one.kind === 'BuildingBlock');
  crossBlocks(blocks, tenants, problems);
  const sandbox = checkSandbox(sandboxes, problems);
  if (problems.some((problem) => problem.severity === 'error')) throw new ConfigError(problems);
  return {
    sandbox,
    blocks: blocks.map((one) => toBuildingBlock(one.value as BuildingBlockDocument)),
    projects: projects.map((one) => toProject(one.value as ProjectDocument)),
    warnings: problems,
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

/** A sandbox alone in its folder, and an address plan that holds. */
function checkSandbox(sandboxes: readonly Loaded[], problems: Diagnostic[]): Sandbox | undefined {
  const [first, second] = sandboxes;
  if (second !== undefined)
    problems.push(
      diagnostic(second.document, ['metadata', 'name'], `a second Sandbox (${second.name}); one folder describes one`),
    );
  if (first === undefined) return undefined;
  const sandbox = toSandbox(first.value as SandboxDocument);
  if (isAws(sandbox))
    for (const { path, message, severity } of planNetwork(sandbox.spec).problems)
      problems.push(diagnostic(first.document, path, message, severity));
  return sandbox;
}

/** A pipeline deploys for a tenant that exists, comes from an issuer the sandbox trusts, and shares its repositories with none. */
function crossProjects(
  projects: readonly Loaded[],
  tenants: readonly Loaded[],
  sandboxes: readonly Loaded[],
  problems: Diagnostic[],
): void {
  const owners = new Map<string, string>();
  const sandbox = (sandboxes[0]?.value as SandboxDocument | undefined)?.spec;
  for (const { name, value, document } of projects) {
    const { spec } = value as ProjectDocument;
    if (tenants.length > 0 && !tenants.some((tenant) => tenant.name === spec.tenant)) {
      const near = didYouMean(
        spec.tenant,
        tenants.map((tenant) => tenant.name),
      );
      problems.push(
        diagnostic(
          document,
          ['spec', 'tenant'],
          `there is no tenant ${spec.tenant}${near === undefined ? '' : `, did you mean ${near}?`}`,
        ),
      );
    }
    if (
      sandbox?.provider === 'aws' &&
      !(sandbox.ci ?? []).some(
        (ci) => ci.provider === spec.provider && ci.organisation.toLowerCase() === spec.organisation.toLowerCase(),
      )
    )
      problems.push(
        diagnostic(
          document,
          ['spec', 'organisation'],
          `the sandbox trusts no ${spec.provider} organisation ${spec.organisation}: add it to spec.ci`,
        ),
      );
    for (const [i, repository] of spec.repositories.entries()) {
      const owner = owners.get(repository);
      if (owner !== undefined)
        problems.push(
          diagnostic(
            document,
            ['spec', 'repositories', i],
            `${repository} belongs to project ${owner}: what two may push to, neither can be held to`,
          ),
        );
      owners.set(repository, name);
    }
  }
}

/** A block goes into a namespace of its own tenant. */
function crossBlocks(blocks: readonly Loaded[], tenants: readonly Loaded[], problems: Diagnostic[]): void {
  for (const { value, document } of blocks) {
    const { spec } = value as BuildingBlockDocument;
    const tenant = tenants.find((one) => one.name === spec.tenant);
    if (tenant === undefined)
      problems.push(diagnostic(document, ['spec', 'tenant'], `there is no tenant ${spec.tenant}`));
    else if (!(tenant.value as TenantDocument).spec.namespaces.includes(spec.namespace))
      problems.push(
        diagnostic(document, ['spec', 'namespace'], `${spec.namespace} is no namespace of tenant ${spec.tenant}`),
      );
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
