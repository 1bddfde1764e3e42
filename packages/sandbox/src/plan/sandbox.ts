/** The Sandbox kind: where the environment runs, on which addresses and nodes, and who may build into it. PURE. */
import { type Cidr, cidrField, nameField } from '@postern/core';
import { z } from 'zod';
import { type GatePolicy, gatePolicySchema, toPolicy } from '../gate/policy.ts';
import { contradiction, regions } from './aws-regions.ts';

const nodeGroupField = z.strictObject({
  name: nameField().max(40),
  instanceTypes: z
    .array(z.string().regex(/^[a-z0-9-]+\.[a-z0-9]+$/, 'is no instance type such as t3a.medium'))
    .min(1)
    .max(20),
  min: z.number().int().min(0).max(450),
  max: z.number().int().min(1).max(450),
  desired: z.number().int().min(0).max(450).optional(),
  diskGiB: z.number().int().min(20).max(16_384).optional(),
  capacity: z.enum(['on-demand', 'spot']).optional(),
});

/** `eu-central-1`, or as people write it: `eu-central-1 (Frankfurt)`. Both parts are then held against each other. */
const regionField = z.string().transform((text, context) => {
  const match = /^([a-z]{2}(?:-[a-z]+)+-\d)(?:\s*\(\s*([^)]+?)\s*\))?$/.exec(text.trim());
  const region = match?.[1];
  if (region === undefined || !regions.includes(region)) {
    context.addIssue({
      code: 'custom',
      message: `${JSON.stringify(text)} is no AWS region known here, such as eu-central-1`,
    });
    return z.NEVER;
  }
  const wrong = match?.[2] === undefined ? undefined : contradiction(region, match[2]);
  if (wrong !== undefined) {
    context.addIssue({ code: 'custom', message: wrong });
    return z.NEVER;
  }
  return region;
});

const subnetsField = z.array(cidrField()).length(3, 'must name three networks, one for each zone').optional();

/** Names as `--as` gives them. */
const peopleField = z.array(z.string().trim().min(1).max(254)).max(200);

const releasesField = z
  .strictObject({
    admins: peopleField.min(1).describe('Who approves and installs.'),
    approvers: peopleField.optional().describe('Who may approve waivers, beside the admins.'),
  })
  .describe('Who decides about releases.');

const awsSpec = z.strictObject({
  provider: z.literal('aws'),
  region: regionField,
  city: z.string().min(1).max(100).optional().describe('The region’s city, as a check.'),
  account: z.string().regex(/^\d{12}$/, 'is no AWS account id (12 digits, in quotes)'),
  network: z.strictObject({
    vpcCIDR: cidrField(),
    zones: z
      .array(z.string().regex(/^[a-z0-9-]+[a-z]$/))
      .length(3, 'must name three zones')
      .optional()
      .describe('Default: the region’s a, b and c.'),
    subnetPrefix: z.number().int().min(18).max(27).optional().describe('24 unless stated.'),
    publicSubnets: subnetsField,
    privateSubnets: subnetsField,
    nat: z
      .enum(['none', 'single', 'perZone'])
      .optional()
      .describe('single unless stated: one address, and one zone whose failure cuts all egress.'),
    prefixDelegation: z
      .boolean()
      .optional()
      .describe('Pods take addresses in blocks of 16: more pods a node, more addresses used.'),
  }),
  kubernetes: z
    .strictObject({
      version: z
        .string()
        .regex(/^1\.\d{2}$/, 'is no Kubernetes version such as 1.34 (in quotes)')
        .optional(),
      publicAccessCIDRs: z
        .array(cidrField())
        .max(40)
        .optional()
        .describe('Who may reach the API server from outside; nobody unless stated.'),
      access: z.enum(['access-entries', 'aws-auth']).optional().describe('access-entries unless stated.'),
      admins: z
        .array(z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:(role|user)\/.+$/, 'is no ARN of a role or user'))
        .max(50)
        .optional(),
    })
    .optional(),
  nodeGroups: z.array(nodeGroupField).min(1).max(20),
  ci: z
    .array(
      z.strictObject({
        provider: z.enum(['circleci', 'github']),
        organisation: z.string().min(1).max(100).describe('CircleCI: the organisation’s UUID. GitHub: its login.'),
        thumbprints: z
          .array(
            z
              .string()
              .transform((t) => t.replaceAll(':', '').toLowerCase())
              .refine((t) => /^[0-9a-f]{40}$/.test(t), 'is no SHA-1 thumbprint of 40 hexadecimal digits'),
          )
          .min(1)
          .max(5)
          .optional()
          .describe('Only where the issuer’s CA is not public; see: postern sandbox thumbprint.'),
      }),
    )
    .max(20)
    .optional(),
  gate: gatePolicySchema.optional(),
  releases: releasesField.optional(),
  state: z
    .discriminatedUnion('backend', [
      z.strictObject({ backend: z.literal('local') }),
      z.strictObject({ backend: z.literal('s3'), bucket: z.string().min(3).max(63), region: z.string().optional() }),
    ])
    .optional()
    .describe('Where Terraform keeps its state; local unless stated.'),
});

const existingSpec = z.strictObject({
  provider: z.literal('existing'),
  context: z.string().min(1).max(253).optional().describe('The kubeconfig context of the cluster.'),
  gate: gatePolicySchema.optional(),
  releases: releasesField.optional(),
});

export const sandboxSchema = z
  .strictObject({
    apiVersion: z.literal('postern.dev/v1'),
    kind: z.literal('Sandbox'),
    // Roles are named postern-SANDBOX-PROJECT-deploy; IAM allows 64 characters.
    metadata: z.looseObject({ name: nameField().max(16) }),
    spec: z.discriminatedUnion('provider', [awsSpec, existingSpec]),
    status: z.unknown().optional(),
  })
  .superRefine(({ spec }, context) => {
    if (spec.provider !== 'aws') return;
    const issue = (path: readonly PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', message, path: ['spec', ...path] });
    const wrong = spec.city === undefined ? undefined : contradiction(spec.region, spec.city);
    if (wrong !== undefined) issue(['city'], wrong);
    for (const [i, group] of spec.nodeGroups.entries()) {
      if (group.min > group.max) issue(['nodeGroups', i, 'min'], `${group.min} is more than max (${group.max})`);
      if (group.desired !== undefined && (group.desired < group.min || group.desired > group.max))
        issue(
          ['nodeGroups', i, 'desired'],
          `${group.desired} is not between min (${group.min}) and max (${group.max})`,
        );
      if (spec.nodeGroups.findIndex((other) => other.name === group.name) !== i)
        issue(['nodeGroups', i, 'name'], `a node group ${group.name} exists already`);
    }
    for (const [i, ci] of (spec.ci ?? []).entries())
      if (ci.provider === 'circleci' && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(ci.organisation))
        issue(
          ['ci', i, 'organisation'],
          `${JSON.stringify(ci.organisation)} is no UUID; CircleCI shows it in the organisation’s settings`,
        );
    for (const [i, zone] of (spec.network.zones ?? []).entries())
      if (!zone.startsWith(spec.region)) issue(['network', 'zones', i], `${zone} is not in ${spec.region}`);
  })
  .describe('A shared environment for building blocks: provider, region, network, nodes, CI issuers, gate policy.');

export type SandboxDocument = z.infer<typeof sandboxSchema>;
export type AwsSpec = Extract<SandboxDocument['spec'], { provider: 'aws' }>;
export type NodeGroup = AwsSpec['nodeGroups'][number];

export interface Sandbox {
  readonly name: string;
  readonly spec: SandboxDocument['spec'];
  readonly gate: GatePolicy;
}

export interface AwsSandbox extends Sandbox {
  readonly spec: AwsSpec;
}

export function toSandbox({ metadata, spec }: SandboxDocument): Sandbox {
  return { name: metadata.name, spec, gate: toPolicy(spec.gate) };
}

export function isAws(sandbox: Sandbox): sandbox is AwsSandbox {
  return sandbox.spec.provider === 'aws';
}

export type { Cidr };
