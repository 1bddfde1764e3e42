/** `kind: Instance`, the schema of config.yaml. Descriptions and defaults are what the JSON Schema shows in an editor. */
import { destinationField, emailField } from '@postern/core';
import { z } from 'zod';
import {
  accountIDField,
  asnField,
  awsRegionField,
  dnsNameField,
  endpointField,
  gcpNameField,
  gcpRegionField,
  ipField,
  ipv4CidrField,
  portField,
  projectIDField,
} from './fields.ts';

/** Limits. Each is the provider's own quota, or far above what one customer needs while bounding what one file can generate. */
const limits = {
  /** Cloud NAT takes at most 300 addresses a gateway by hand; nobody allowlists more than a few. */
  staticIPsMax: 16,
  /** AWS: 50 interface endpoints a VPC by default. */
  privateLinksMax: 50,
  /** Each port is one security-group rule a CIDR; AWS allows 60 inbound rules a group by default. */
  portsMax: 20,
  cidrsMax: 20,
  routesMax: 1000,
  /** Google Cloud firewall: 5000 source ranges a rule; a customer's egress is a handful. */
  sourceRangesMax: 256,
  agentsMax: 100,
  rulesMax: 1000,
  noProxyMax: 1000,
  poolsMax: 10,
} as const;

const pool = z
  .strictObject({
    additionalOauthScopes: z
      .array(
        z.string().regex(/^https:\/\/www\.googleapis\.com\/auth\/[a-z0-9._-]+$/, {
          error: (issue) =>
            `${JSON.stringify(issue.input)} is not an OAuth scope (https://www.googleapis.com/auth/...)`,
        }),
      )
      .default([])
      .describe('Scopes beyond the pool’s own. devstorage.read_only lets nodes pull the sidecar’s image.'),
    machineType: z
      .string()
      .regex(/^[a-z][a-z0-9-]{2,62}$/)
      .default('n2-standard-8')
      .describe('Machine type of the pool’s nodes.'),
    nodes: z.int().min(1).max(1000).default(1).describe('Nodes a zone.'),
    serviceAccount: z
      .string()
      .regex(/^[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com$/)
      .optional()
      .describe('The nodes’ service account. Default: the project’s Compute Engine default.'),
  })
  .describe('One node pool. To change a live pool, add a second one (green beside blue), move, then remove the first.');

const gcp = z.strictObject({
  projectID: projectIDField(),
  region: gcpRegionField(),
  network: gcpNameField('The instance’s existing VPC network.').default('default'),
  cluster: gcpNameField('Its existing GKE cluster. Default: the instance’s name.').optional(),
  namespace: gcpNameField('The Kubernetes namespace of the product.').default('default'),
  clusterDNS: ipField(
    'Address of the cluster’s DNS service, which the dns-proxy sidecar asks. Default: what the stack gke gave.',
  ).optional(),
  nodeCIDRs: z
    .array(ipv4CidrField('A node range.'))
    .max(limits.cidrsMax)
    .optional()
    .describe(
      'Node ranges: who may enter the endpoints’ security group, and what the router advertises. Default: 10.128.0.0/9, the auto-mode range.',
    ),
  podCIDRs: z
    .array(ipv4CidrField('A pod range.'))
    .max(limits.cidrsMax)
    .default([])
    .describe('Pod ranges: as nodeCIDRs. Default: none.'),
  gke: z
    .record(gcpNameField('Pool name.'), pool)
    .refine((pools) => Object.keys(pools).length <= limits.poolsMax, `has more than ${limits.poolsMax} pools`)
    .optional()
    .describe('Node pools made beside the existing ones, by name: blue, green.'),
});

const privateLink = z
  .strictObject({
    endpoint: endpointField(),
    ports: z
      .array(portField())
      .min(1)
      .max(limits.portsMax)
      .default([443])
      .describe('TCP ports to open for the instance in the AWS security group. Default: 443.'),
    privateDnsEnabled: z
      .boolean()
      .default(false)
      .describe(
        'Only if the customer’s service has a private DNS name, and only after the customer accepted the endpoint.',
      ),
  })
  .describe('A VPC endpoint service exposed by the customer.');

const aws = z.strictObject({
  accountID: accountIDField(),
  region: awsRegionField(),
  highAvailable: z
    .boolean()
    .default(true)
    .describe('2 connections and 4 tunnels; false: 1 and 2, outside Google’s 99.99 % topology. Default: true.'),
  vpcCIDR: ipv4CidrField('Range of the dedicated AWS VPC, /16 to /24. Default: 10.200.0.0/20.').optional(),
  privateLinks: z.array(privateLink).max(limits.privateLinksMax).default([]).describe('One VPC endpoint each.'),
});

const privateCodeHost = z
  .strictObject({ enabled: z.boolean().describe('Generates the stacks awsvpc and awsvpn.'), aws: aws.optional() })
  .describe('Site-to-site VPN to a dedicated AWS account, and the endpoints in it.');

const vpn = z.strictObject({
  gcpASN: asnField('ASN of the Cloud Router. Default: 64514.').default(64514),
  awsASN: asnField('ASN of the AWS VPN gateway. Default: 64512.').default(64512),
  advertise: z
    .array(ipv4CidrField('A further range.'))
    .max(limits.cidrsMax)
    .default([])
    .describe('Ranges the router advertises to AWS beside nodeCIDRs and podCIDRs.'),
});

const route = z.strictObject({
  source: dnsNameField('The private name the product asks for.'),
  destination: dnsNameField('The name that resolves to the host’s private address.'),
  resolverIP: ipField('The resolver to ask for the destination; default: the pod’s own.').optional(),
});

const rule = z.strictObject({
  name: gcpNameField('Name of the rule, shown in the audit log.'),
  clients: z.array(emailField()).min(1),
  agents: z.array(emailField()).min(1),
  destinations: z.array(destinationField()).min(1),
});

const connect = z
  .strictObject({
    enabled: z.boolean().describe('Generates the stack connect and the tunnel’s components.'),
    serverName: dnsNameField(
      'The name in the tunnel server’s certificate. Default: tunnel.INSTANCE.internal.',
    ).optional(),
    sourceRanges: z
      .array(ipv4CidrField('A range that agents dial from.'))
      .max(limits.sourceRangesMax)
      .default([])
      .describe('Ranges that agents dial from. Empty: any.'),
    agents: z.array(emailField()).max(limits.agentsMax).default([]).describe('Identities of the customer’s agents.'),
    noProxy: z
      .array(z.string().regex(/^[A-Za-z0-9.*:/_-]{1,253}$/, 'is not an entry of NO_PROXY'))
      .max(limits.noProxyMax)
      .default([])
      .describe('Further names and ranges that the product reaches without the tunnel.'),
    rules: z
      .array(rule)
      .max(limits.rulesMax)
      .default([])
      .describe('The tunnel’s policy: nothing is allowed that no rule allows.'),
  })
  .describe('The tunnel’s server side.');

const bucketField = (what: string) =>
  z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/)
    .describe(what);

const backend = z
  .strictObject({
    gcs: z.strictObject({ bucket: bucketField('Bucket of the state.') }).optional(),
    s3: z.strictObject({ bucket: bucketField('Bucket of the state.'), region: awsRegionField() }).optional(),
  })
  .refine((value) => value.gcs === undefined || value.s3 === undefined, 'has both gcs and s3; one is expected')
  .describe('Where Terraform keeps state, under INSTANCE/STACK. Default: files under state/.');

const repositoryField = (what: string) =>
  z
    .string()
    .regex(/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+$/, {
      error: (issue) => `${JSON.stringify(issue.input)} is not a repository such as registry.example/postern`,
    })
    .describe(what);

const images = z
  .strictObject({
    source: repositoryField(
      'The repository that `postern images copy` copies from: registry/path, without tag.',
    ).optional(),
    repository: repositoryField(
      'The instance’s own repository. Default: postern, in the repository that the stack gke makes.',
    ).optional(),
    tag: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/)
      .optional()
      .describe('Tag of the image. Default: the version of postern that generates.'),
  })
  .describe('The image of the sidecars and the tunnel server.');

export const instanceSchema = z
  .strictObject({
    apiVersion: z.literal('postern.dev/v1'),
    kind: z.literal('Instance'),
    metadata: z.strictObject({
      name: gcpNameField('The instance’s name.'),
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
    }),
    spec: z.strictObject({
      infrastructure: z.strictObject({
        gcp,
        nat: z
          .strictObject({
            enabled: z.boolean().describe('Generates the stack nat.'),
            staticIPs: z
              .int()
              .min(1)
              .max(limits.staticIPsMax)
              .default(2)
              .describe('Reserved egress addresses. Default: 2.'),
          })
          .describe('Static egress addresses, for hosts that may be public behind an allowlist.')
          .optional(),
        privateCodeHost: privateCodeHost.optional(),
        vpn: vpn.prefault({}),
        privateDNS: z
          .strictObject({ routes: z.array(route).max(limits.routesMax).default([]) })
          .describe('Names that the dns-proxy sidecar rewrites.')
          .prefault({}),
        connect: connect.optional(),
      }),
      images: images.prefault({}),
      terraform: z
        .strictObject({ backend: backend.prefault({}) })
        .describe('How Terraform runs.')
        .prefault({}),
    }),
    status: z.unknown().optional().describe('Written by Postern.'),
  })
  .describe('One customer’s copy of the product and its private paths. The source of everything generated beside it.');

/** config.yaml as written, checked field by field. */
export type InstanceDocument = z.infer<typeof instanceSchema>;
