import {
  associatedPlumbingCalls,
  associationCalls,
  baseCalls,
  type CallTable,
  customerCalls,
  endpointPlumbingCalls,
  hubCalls,
  iamAction,
} from './providers/aws/calls.ts';

/**
 * The least-privilege policies, read off the tables of the calls that the code can make: who is given a client for a table may
 * make its calls and no other, so the table is the policy.
 */

export type PolicyRole = 'hub' | 'customer' | 'associated';

export const policyRoles: Readonly<Record<PolicyRole, string>> = {
  hub: 'the account with the endpoint VPCs: HiveConfig spec.awsPrivateLink.credentialsSecretRef',
  customer: 'the account of a cluster or service: the credentials of a ClusterDeployment or PrivateLink',
  associated: 'the account of an associated VPC: spec.awsPrivateLink.associatedVPCs[].credentialsSecretRef',
};

/** What a statement is for: the controller cannot do without it, does less without it, or the commands that prepare VPCs need it. */
export type Need = 'Controller' | 'ControllerOptional' | 'Plumbing';

export interface PolicyStatement {
  readonly sid: string;
  readonly need: Need;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

export interface PolicyOptions {
  /** `aws`, `aws-us-gov`, `aws-cn`; or a Terraform expression. */
  readonly partition: string;
  readonly plumbing: boolean;
}

interface Grant {
  readonly need: Need;
  readonly action: string;
  readonly scope: Scope;
}

/** What an action is about, as far as it can be narrowed without knowing ids. */
type Scope = 'any' | 'zone' | 'role' | `tag:${string}`;

/** Everybody may ask who they are: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
const free: ReadonlySet<string> = new Set(['sts:GetCallerIdentity']);

/**
 * Route 53 looks at the VPC with the caller's permissions: "dependent actions" in
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html
 */
const dependent: Readonly<Record<string, readonly string[]>> = {
  'route53:CreateHostedZone': ['ec2:DescribeVpcs'],
  'route53:AssociateVPCWithHostedZone': ['ec2:DescribeVpcs'],
  'route53:DisassociateVPCFromHostedZone': ['ec2:DescribeVpcs'],
  'route53:ListHostedZonesByVPC': ['ec2:DescribeVpcs'],
};

/** Route 53's calls that name no zone; all others are about one. */
const zoneless: ReadonlySet<string> = new Set([
  'route53:CreateHostedZone',
  'route53:ListHostedZonesByName',
  'route53:ListHostedZonesByVPC',
]);

function scopeOf(action: string, tagged: string): Scope {
  if (action === 'ec2:CreateTags') return `tag:${tagged}`;
  if (action === 'sts:AssumeRole') return 'role';
  return action.startsWith('route53:') && !zoneless.has(action) ? 'zone' : 'any';
}

/** @param tagged the type of resource that the table's ec2:CreateTags is for */
function grantsOf(table: CallTable, tagged: string, need: 'controller' | 'plumbing'): Grant[] {
  return Object.values(table).flatMap((call) => {
    const action = iamAction(call);
    if (free.has(action)) return [];
    const kind: Need = need === 'plumbing' ? 'Plumbing' : call.optional ? 'ControllerOptional' : 'Controller';
    return [action, ...(dependent[action] ?? [])].map((one): Grant => ({
      need: kind,
      action: one,
      scope: scopeOf(one, tagged),
    }));
  });
}

const peering = 'vpc-peering-connection';

/** Not typed as tables of unknown calls where they are made; here only their names matter. */
const asTable = (table: Readonly<Record<string, unknown>>): CallTable => table as CallTable;

function grants(role: PolicyRole, plumbing: boolean): Grant[] {
  const associated = [
    ...grantsOf(asTable(associationCalls), peering, 'controller'),
    ...(plumbing ? grantsOf(asTable(associatedPlumbingCalls), peering, 'plumbing') : []),
  ];
  switch (role) {
    case 'customer':
      return grantsOf(asTable(customerCalls), 'vpc-endpoint-service', 'controller');
    case 'associated':
      return associated;
    case 'hub':
      return [
        ...grantsOf(asTable(hubCalls), 'vpc-endpoint', 'controller'),
        ...grantsOf(asTable(baseCalls), 'vpc-endpoint', 'controller'),
        ...(plumbing ? grantsOf(asTable(endpointPlumbingCalls), peering, 'plumbing') : []),
        // An associated VPC without credentials of its own is the hub account's.
        ...associated,
      ];
  }
}

/** What the controller can do without may be what the plumbing cannot: it is said where it is needed most. */
const needs: readonly Need[] = ['Controller', 'Plumbing', 'ControllerOptional'];
const sidSuffix = (scope: Scope): string =>
  scope === 'any' ? '' : scope === 'zone' ? 'Zones' : scope === 'role' ? 'Roles' : 'Tags';

export function policyOf(role: PolicyRole, { partition, plumbing }: PolicyOptions): PolicyStatement[] {
  const given = new Set<string>();
  const statements: PolicyStatement[] = [];
  const all = grants(role, plumbing);
  for (const need of needs) {
    const fresh = all.filter((grant) => {
      const key = `${grant.action} ${grant.scope}`;
      return grant.need === need && !given.has(key) && given.add(key);
    });
    for (const [scope, same] of Map.groupBy(fresh, (grant) => grant.scope))
      statements.push({
        sid: `${need}${sidSuffix(scope)}`,
        need,
        actions: same.map(({ action }) => action).toSorted(),
        resources: resourcesOf(scope, partition),
      });
  }
  return statements;
}

function resourcesOf(scope: Scope, partition: string): string[] {
  if (scope === 'any') return ['*'];
  if (scope === 'zone') return [`arn:${partition}:route53:::hostedzone/*`];
  if (scope === 'role') return [`arn:${partition}:iam::*:role/*`];
  return [`arn:${partition}:ec2:*:*:${scope.slice('tag:'.length)}/*`];
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: ReadonlyArray<{
    readonly Sid: string;
    readonly Effect: 'Allow';
    readonly Action: readonly string[];
    readonly Resource: readonly string[];
  }>;
}

export function policyDocument(statements: readonly PolicyStatement[]): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: statements.map(({ sid, actions, resources }) => ({
      Sid: sid,
      Effect: 'Allow',
      Action: actions,
      Resource: resources,
    })),
  };
}

/** The three as one JSON object. */
export function policiesAsJson(options: PolicyOptions): Readonly<Record<PolicyRole, PolicyDocument>> {
  const of = (role: PolicyRole): PolicyDocument => policyDocument(policyOf(role, options));
  return { hub: of('hub'), customer: of('customer'), associated: of('associated') };
}

/** The three as Terraform: the partition is that of whoever applies it. */
export function policiesAsTerraform(options: Pick<PolicyOptions, 'plumbing'>): string {
  const partition = '${data.aws_partition.current.partition}';
  const blocks = Object.entries(policyRoles).map(([role, what]) => {
    const statements = policyOf(role as PolicyRole, { ...options, partition }).map(hclStatement);
    return `# ${what}\ndata "aws_iam_policy_document" "privatelink_${role}" {\n${statements.join('\n')}}\n\noutput "privatelink_${role}_policy" {\n  value = data.aws_iam_policy_document.privatelink_${role}.json\n}\n`;
  });
  return `data "aws_partition" "current" {}\n\n${blocks.join('\n')}`;
}

/** As Terraform's own formatter has it: names are aligned only where no list goes over lines. */
function hclStatement({ sid, actions, resources }: PolicyStatement): string {
  const width = actions.length === 1 && resources.length === 1 ? 'resources'.length : 0;
  const lines = [
    ['sid', `"${sid}"`],
    ['actions', hclList(actions)],
    ['resources', hclList(resources)],
  ].map(([name, value]) => `    ${name!.padEnd(width)} = ${value}\n`);
  return `  statement {\n${lines.join('')}  }\n`;
}

function hclList(items: readonly string[]): string {
  return items.length === 1 ? `["${items[0]}"]` : `[\n${items.map((item) => `      "${item}",\n`).join('')}    ]`;
}
