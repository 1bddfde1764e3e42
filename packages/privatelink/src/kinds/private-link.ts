import { defineKind } from '@postern/resources';
import { z } from 'zod';
import { admitLink } from './admission.ts';
import { hostName, nameRef, principal, region, roleArn, userTags } from './fields.ts';
import { hiveConfigName } from './hive-config.ts';
import { linkColumns, type LinkStatus } from './status.ts';

/** `PrivateLink`: the same link for any service behind an NLB, not only for a cluster's API. */

/** AWS's form of a Network Load Balancer's ARN, in every partition. */
const loadBalancerArn = z
  .string()
  .regex(/^arn:aws(-[a-z]+)*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer\/.+$/, {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is not an ARN such as arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/NAME/ID`,
  });

const serviceRef = z
  .strictObject({
    name: z.string().min(1).max(32).optional(), // AWS's bound for a load balancer's name
    arn: loadBalancerArn.optional(),
    tag: z.strictObject({ key: z.string().min(1).max(128), value: z.string().max(256) }).optional(),
  })
  .refine((ref) => [ref.name, ref.arn, ref.tag].filter((given) => given !== undefined).length === 1, {
    error: 'names the load balancer by exactly one of name, arn and tag',
  });

const credentials = z
  .strictObject({
    secretRef: nameRef().optional(),
    assumeRole: z.strictObject({ roleARN: roleArn(), externalID: z.string().max(1224).optional() }).optional(),
  })
  .refine((given) => (given.secretRef === undefined) !== (given.assumeRole === undefined), {
    error: 'is exactly one of secretRef and assumeRole',
  });

const privateLinkSpec = z.strictObject({
  region: region(),
  serviceRef,
  hostName: hostName(),
  credentials,
  /** Probed where a probe is configured, and opened by the network plumbing. */
  ports: z.array(z.int().min(1).max(65535)).min(1).max(16).optional(),
  principals: z.array(principal()).max(1000).optional(),
  preserveOnDelete: z.boolean().optional(),
  userTags: userTags().optional(),
});

export type PrivateLinkSpec = z.infer<typeof privateLinkSpec>;

export const privateLinkKind = defineKind<PrivateLinkSpec, LinkStatus>({
  apiVersion: 'postern.dev/v1',
  kind: 'PrivateLink',
  description: 'A private link to any service behind a network load balancer in AWS.',
  plural: 'privatelinks',
  scope: 'Namespaced',
  spec: privateLinkSpec,
  uses: ({ spec, metadata: { namespace } }) => [
    ...(spec.credentials.secretRef === undefined
      ? []
      : [{ kind: 'Secret', namespace, name: spec.credentials.secretRef.name }]),
    { kind: 'HiveConfig', namespace: '', name: hiveConfigName },
  ],
  admit: admitLink,
  cluster: {
    shortNames: ['pl'],
    columns: [{ name: 'Host', path: '.spec.hostName' }, { name: 'Region', path: '.spec.region' }, ...linkColumns],
    rules: [
      {
        at: ['spec', 'serviceRef'],
        rule: '[has(self.name), has(self.arn), has(self.tag)].filter(given, given).size() == 1',
        message: 'names the load balancer by exactly one of name, arn and tag',
      },
      {
        at: ['spec', 'credentials'],
        rule: 'has(self.secretRef) != has(self.assumeRole)',
        message: 'is exactly one of secretRef and assumeRole',
      },
      { at: ['spec', 'region'], rule: 'self.lowerAscii() == oldSelf.lowerAscii()', message: 'is immutable' },
    ],
  },
});

const vantagePointSpec = z
  .strictObject({
    /** An HTTP CONNECT proxy there: a pod's, or a tunnel client whose agent stands in that network. */
    connectProxy: z
      .string()
      .regex(/^http:\/\/[^/\s]+:\d{1,5}$/, {
        error: (issue) => `${JSON.stringify(issue.input)} is not a proxy such as http://127.0.0.1:3128`,
      })
      .optional(),
    /** The controller itself. */
    direct: z.literal(true).optional(),
  })
  .refine((point) => (point.connectProxy === undefined) !== (point.direct === undefined), {
    error: 'is exactly one of connectProxy and direct',
  });

export type VantagePointSpec = z.infer<typeof vantagePointSpec>;

/** A named place from which a link can be tried. */
export const vantagePointKind = defineKind<VantagePointSpec>({
  apiVersion: 'postern.dev/v1',
  kind: 'VantagePoint',
  description: 'A named place from which a link can be tried.',
  plural: 'vantagepoints',
  scope: 'Cluster',
  spec: vantagePointSpec,
  cluster: {
    rules: [
      {
        at: ['spec'],
        rule: 'has(self.connectProxy) != has(self.direct)',
        message: 'is exactly one of connectProxy and direct',
      },
    ],
  },
});
