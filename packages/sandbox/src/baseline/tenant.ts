/** The Tenant kind: an organisation, its namespaces, and what it may reach. PURE. */
import { type Cidr, cidrField, cidrsOverlap, nameField, parseCidr } from '@postern/core';
import { z } from 'zod';
import { momentField } from '../gate/waiver.ts';
import { quotaClasses } from './quota.ts';

/** Namespaces the cluster or the platform lives in. A tenant that owned one would own the cluster. */
const reserved = /^(default|kube-.*|postern(-.*)?|amazon-.*|cert-manager|ingress-nginx|istio-system)$/;

/** A tenant has a handful of business cases; this bounds what one document can ask the cluster for. */
const namespacesMax = 50;

const portField = z.number().int().min(1).max(65535);
const protocolField = z.enum(['TCP', 'UDP']).optional();

const namespaceField = nameField().refine((name) => !reserved.test(name), {
  error: (issue) => `${JSON.stringify(issue.input)} belongs to the cluster`,
});

/** Link-local holds the cloud's metadata service; loopback and "this network" are never destinations. */
const neverReachable = ['169.254.0.0/16', '127.0.0.0/8', '0.0.0.0/8', 'fe80::/10', '::1/128', 'fd00:ec2::/32'].map(
  (text) => parseCidr(text) as Cidr,
);

const egressField = z.strictObject({
  cidr: cidrField().superRefine((cidr, context) => {
    if (cidr.prefix > 0 && neverReachable.some((bad) => cidrsOverlap(cidr, bad)))
      context.addIssue({
        code: 'custom',
        message: 'touches link-local or loopback addresses, where the metadata service is',
      });
  }),
  ports: z.array(portField).min(1).max(50).describe('Which ports; all would be a second default allow.'),
  protocol: protocolField,
});

const grantField = z.strictObject({
  from: nameField().describe('The tenant that may call.'),
  to: nameField().describe('The tenant that is called.'),
  port: portField.describe('The port of the called pods.'),
  protocol: protocolField,
  podLabels: z
    .record(z.string().min(1).max(317), z.string().max(63))
    .refine((labels) => Object.keys(labels).length > 0, 'names no label: leave it out for all pods')
    .optional()
    .describe('Only pods with these labels are called.'),
  approver: z.string().trim().min(1).max(254).describe('Who of the called side agreed.'),
  expiry: momentField.describe('From this moment on the grant is gone.'),
  reason: z.string().min(1).max(1000).optional(),
});

export const tenantSchema = z
  .strictObject({
    apiVersion: z.literal('postern.dev/v1'),
    kind: z.literal('Tenant'),
    metadata: z.looseObject({ name: nameField() }),
    spec: z.strictObject({
      organisation: z.string().trim().min(1).max(200).describe('Who it is, for people.'),
      businessCases: z.array(z.string().trim().min(1).max(200)).max(50).optional(),
      namespaces: z
        .array(namespaceField)
        .min(1)
        .max(namespacesMax)
        .refine((names) => new Set(names).size === names.length, 'names a namespace twice')
        .describe('Its namespaces; they may talk to one another.'),
      quotaClass: z.enum(quotaClasses).optional().describe('small unless stated; each namespace gets it.'),
      podSecurity: z
        .enum(['baseline', 'restricted'])
        .optional()
        .describe(
          'What is enforced (baseline unless stated); restricted is always audited and warned of. privileged does not exist here.',
        ),
      egress: z
        .array(egressField)
        .max(100)
        .optional()
        .describe('What outside the cluster it may reach; nothing unless stated.'),
      ingressFrom: z
        .array(nameField())
        .max(10)
        .optional()
        .describe('Namespaces of the platform, such as the ingress controller’s, that may call it.'),
      grants: z.array(grantField).max(200).optional().describe('Calls between this tenant and others.'),
    }),
    status: z.unknown().optional(),
  })
  .superRefine(({ metadata, spec }, context) => {
    for (const [i, grant] of (spec.grants ?? []).entries()) {
      const issue = (path: string, message: string): void =>
        context.addIssue({ code: 'custom', message, path: ['spec', 'grants', i, path] });
      if (grant.from === grant.to) issue('to', 'is the same tenant: its namespaces may talk to one another anyway');
      else if (grant.from !== metadata.name && grant.to !== metadata.name)
        issue('from', `neither from nor to is ${metadata.name}: write the grant into a tenant it concerns`);
    }
  })
  .describe(
    'An organisation: its namespaces, quota, Pod Security level, egress, and grants to and from other tenants.',
  );

export type TenantDocument = z.infer<typeof tenantSchema>;
export type Grant = z.infer<typeof grantField>;
export type Egress = z.infer<typeof egressField>;

export interface Tenant {
  readonly name: string;
  readonly organisation: string;
  readonly businessCases: readonly string[];
  readonly namespaces: readonly string[];
  readonly quotaClass: (typeof quotaClasses)[number];
  readonly podSecurity: 'baseline' | 'restricted';
  readonly egress: readonly Egress[];
  readonly ingressFrom: readonly string[];
  readonly grants: readonly Grant[];
}

export function toTenant({ metadata, spec }: TenantDocument): Tenant {
  return {
    name: metadata.name,
    organisation: spec.organisation,
    businessCases: spec.businessCases ?? [],
    namespaces: spec.namespaces,
    quotaClass: spec.quotaClass ?? 'small',
    podSecurity: spec.podSecurity ?? 'baseline',
    egress: spec.egress ?? [],
    ingressFrom: spec.ingressFrom ?? [],
    grants: spec.grants ?? [],
  };
}
