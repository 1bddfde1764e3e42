/** A Terragrunt environment file -> the sandbox's documents, and what a person must know or fill in. PURE. */
import { stringify } from 'yaml';
import { cityOf, regions } from './aws-regions.ts';
import { type HclValue, parseLocals } from './hcl.ts';

export interface ImportFinding {
  readonly severity: 'error' | 'warning' | 'note';
  readonly line: number;
  readonly message: string;
}

export interface Imported {
  /** Empty where the file could not be read to its end. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly text: string }>;
  readonly findings: readonly ImportFinding[];
}

/** What the original's environments were built of; their files do not say it. */
const originalNodes = { name: 'default', instanceTypes: ['t3a.medium'], min: 1, max: 4, desired: 2, diskGiB: 50 };

/** Kubernetes versions that EKS supports at no extra charge when this was written. */
const oldestSupported = 33;

const read = new Set([
  'account_name',
  'aws_account_id',
  'aws_profile',
  'environment',
  'aws_region',
  'product',
  'eks_version',
  'cluster_name',
  'vpc_cidr',
  'org_id',
  'ssl_thumbprints',
  'projects',
]);

export function importEnv(text: string): Imported {
  const { values, lines, problems, whole } = parseLocals(text);
  const findings: ImportFinding[] = problems.map(({ line, message }) => ({ severity: 'error', line, message }));
  if (!whole) return { files: [], findings };
  const line = (key: string): number => lines.get(key) ?? 1;
  const add = (severity: ImportFinding['severity'], key: string, message: string): void =>
    void findings.push({ severity, line: line(key), message });
  const string = (key: string): string | undefined => {
    const value = values.get(key);
    if (typeof value === 'number') return String(value);
    if (typeof value === 'string' && value !== '') return value;
    return undefined;
  };
  for (const key of values.keys()) if (!read.has(key)) add('note', key, `${key} is not known and was left out`);

  const name = slug(string('environment') ?? string('product') ?? 'sandbox').slice(0, 16);
  const account = string('aws_account_id');
  if (account === undefined || !/^\d{12}$/.test(account))
    add('error', 'aws_account_id', 'aws_account_id is missing or is no account id: put in spec.account');
  const region = string('aws_region') ?? 'eu-central-1';
  if (!regions.includes(region)) add('error', 'aws_region', `${region} is no region known here`);
  else add('note', 'aws_region', `${region} is ${cityOf(region)}`);
  const version = string('eks_version');
  if (version !== undefined && Number(version.split('.')[1]) < oldestSupported)
    add(
      'warning',
      'eks_version',
      `EKS ${version} is past standard support; upgrade one minor version at a time, or build anew`,
    );
  const organisation = string('org_id')?.toLowerCase();
  const uuid = organisation !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(organisation);
  if (!uuid)
    add(
      values.has('projects') ? 'error' : 'note',
      'org_id',
      'org_id is missing or is no UUID: no CI issuer was written',
    );
  if (values.has('ssl_thumbprints'))
    add(
      'note',
      'ssl_thumbprints',
      'thumbprints are left out: AWS checks oidc.circleci.com’s public certificate itself',
    );
  if (values.has('aws_profile'))
    add('note', 'aws_profile', 'aws_profile is left out: set AWS_PROFILE; spec.account pins the account');
  add(
    'warning',
    'projects',
    'the original trusts every branch of a project and makes its role cluster administrator; here a project names its refs and deploys into its tenant',
  );
  add('warning', 'cluster_name', 'the node group is not in this file; the original’s was taken (t3a.medium, 1 to 4)');

  const sandbox = {
    apiVersion: 'postern.dev/v1',
    kind: 'Sandbox',
    metadata: { name },
    spec: {
      provider: 'aws',
      region,
      account: account ?? '000000000000',
      network: { vpcCIDR: string('vpc_cidr') ?? '10.0.0.0/16', nat: 'single' },
      ...(version === undefined ? {} : { kubernetes: { version } }),
      nodeGroups: [originalNodes],
      ...(uuid ? { ci: [{ provider: 'circleci', organisation }] } : {}),
    },
  };
  const projects = uuid
    ? importProjects(values.get('projects'), organisation, (severity, message) => add(severity, 'projects', message))
    : [];
  const tenant = {
    apiVersion: 'postern.dev/v1',
    kind: 'Tenant',
    metadata: { name: `${name}-blocks` },
    spec: { organisation: string('account_name') ?? name, namespaces: [`${name}-blocks`] },
  };
  const files = [
    { path: 'sandbox.yaml', text: document(sandbox) },
    ...(projects.length === 0 ? [] : [{ path: `tenants/${name}-blocks.yaml`, text: document(tenant) }]),
    ...projects.map((project) => ({
      path: `projects/${project.name}.yaml`,
      text: document({
        apiVersion: 'postern.dev/v1',
        kind: 'Project',
        metadata: { name: project.name },
        spec: { ...project.spec, tenant: `${name}-blocks` },
      }),
    })),
  ];
  if (projects.length > 0)
    add('warning', 'projects', `all projects were put into one tenant, ${name}-blocks: give each organisation its own`);
  return { files, findings: findings.toSorted((a, b) => a.line - b.line) };
}

function importProjects(
  value: HclValue | undefined,
  organisation: string,
  add: (severity: ImportFinding['severity'], message: string) => void,
) {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    add('error', 'projects is no list');
    return [];
  }
  const seen = new Map<string, string>();
  return (value as readonly HclValue[]).flatMap((item, i) => {
    const { name, project_id: id } = (
      typeof item === 'object' && item !== null && !Array.isArray(item) ? item : {}
    ) as Record<string, HclValue>;
    if (
      typeof name !== 'string' ||
      name === '' ||
      typeof id !== 'string' ||
      !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)
    ) {
      add('error', `projects[${i}] has no name or no project_id that is a UUID; it was left out`);
      return [];
    }
    const own = slug(name).slice(0, 32);
    const before = seen.get(own);
    if (before !== undefined) {
      add('error', `projects[${i}] (${name}) has the same name as ${before}; it was left out`);
      return [];
    }
    seen.set(own, name);
    add(
      'error',
      `project ${own}: env.hcl does not say which repository it builds; put it in spec.vcsOrigin (now github.com/fill-in/${own})`,
    );
    return [
      {
        name: own,
        spec: {
          provider: 'circleci',
          organisation,
          project: id.toLowerCase(),
          vcsOrigin: `github.com/fill-in/${own}`,
          refs: ['refs/heads/main'],
          repositories: [`bb/${own}`],
        },
      },
    ];
  });
}

function slug(text: string): string {
  return (
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'sandbox'
  );
}

function document(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
