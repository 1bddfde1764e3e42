/** A customer's account with a cluster's load balancer, a hub account with an inventory, and the files that ask for the link. */
import { EC2 } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingV2 } from '@aws-sdk/client-elastic-load-balancing-v2';
import { Route53 } from '@aws-sdk/client-route-53';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';

export const region = 'eu-central-1';

/** The root of an account: its id is the access key. One attempt: a test sees each refusal. */
export function clients(endpoint: string, account: string, where = region) {
  const config = {
    endpoint,
    region: where,
    credentials: { accessKeyId: account, secretAccessKey: 'any' },
    maxAttempts: 1,
  };
  return { ec2: new EC2(config), elb: new ElasticLoadBalancingV2(config), route53: new Route53(config) };
}

export type Clients = ReturnType<typeof clients>;

/** A VPC with a subnet in each of some zones. */
export async function makeVpc(client: Clients, prefix: string, zones = 'abc', where = region) {
  const vpc = (await client.ec2.createVpc({ CidrBlock: `${prefix}.0.0/16` })).Vpc?.VpcId ?? '';
  const subnets: string[] = [];
  for (const [i, zone] of zones.split('').entries()) {
    const { Subnet } = await client.ec2.createSubnet({
      VpcId: vpc,
      CidrBlock: `${prefix}.${i}.0/24`,
      AvailabilityZone: `${where}${zone}`,
    });
    subnets.push(Subnet?.SubnetId ?? '');
  }
  return { vpc, subnets };
}

let accounts = 0;
/** A fresh account: tests of one simulator do not meet. */
export function freshAccount(): string {
  return String(100_000_000_000 + ++accounts * 1_000_003);
}

export interface Hub {
  readonly account: string;
  readonly aws: Clients;
  readonly vpcs: ReadonlyArray<{ readonly vpc: string; readonly subnets: readonly string[] }>;
}

export async function makeHub(url: string, vpcCount = 2, zones = 'abc'): Promise<Hub> {
  const account = freshAccount();
  const aws = clients(url, account, region);
  const vpcs = [];
  for (let i = 0; i < vpcCount; i++) vpcs.push(await makeVpc(aws, `10.${20 + i}`, zones));
  return { account, aws, vpcs };
}

export interface Customer {
  readonly account: string;
  readonly aws: Clients;
  readonly subnets: readonly string[];
  readonly vpc: string;
}

export async function makeCustomer(url: string, zones = 'abc'): Promise<Customer> {
  const account = freshAccount();
  const aws = clients(url, account, region);
  const { vpc, subnets } = await makeVpc(aws, '10.0', zones);
  return { account, aws, vpc, subnets };
}

/** A cluster's internal load balancer, as its installer makes it. */
export async function makeLoadBalancer(customer: Customer, name: string): Promise<string> {
  const made = await customer.aws.elb.createLoadBalancer({
    Name: name,
    Type: 'network',
    Scheme: 'internal',
    Subnets: [...customer.subnets],
  });
  return made.LoadBalancers?.[0]?.LoadBalancerArn ?? '';
}

export const credentials = (name: string, namespace: string, account: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  stringData: { aws_access_key_id: account, aws_secret_access_key: 'any' },
});

export function hiveConfig(hub: Hub, changes: Record<string, unknown> = {}) {
  return {
    apiVersion: 'hive.openshift.io/v1',
    kind: 'HiveConfig',
    metadata: { name: 'hive' },
    spec: {
      awsPrivateLink: {
        endpointVPCInventory: hub.vpcs.map(({ vpc, subnets }) => ({
          region,
          vpcID: vpc,
          subnets: subnets.map((subnetID, i) => ({ subnetID, availabilityZone: `${region}${'abc'[i]}` })),
        })),
        credentialsSecretRef: { name: 'hub-credentials' },
        ...changes,
      },
    },
  };
}

export function kubeconfigSecret(name: string, host: string) {
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'admin',
    clusters: [{ name: 'c', cluster: { server: `https://${host}:6443` } }],
    contexts: [{ name: 'admin', context: { cluster: 'c', user: 'admin' } }],
    users: [{ name: 'admin', user: { token: 'x' } }],
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `${name}-kubeconfig`, namespace: 'clusters' },
    stringData: { kubeconfig: stringify(kubeconfig) },
  };
}

export function clusterDeployment(
  name: string,
  options: { readonly privateLink?: Record<string, unknown>; readonly spec?: Record<string, unknown> } = {},
) {
  return {
    apiVersion: 'hive.openshift.io/v1',
    kind: 'ClusterDeployment',
    metadata: { name, namespace: 'clusters' },
    spec: {
      baseDomain: 'acme.example',
      clusterName: name,
      installed: true,
      clusterMetadata: {
        clusterID: '00000000-0000-4000-8000-000000000000',
        infraID: `${name}-x7k2p`,
        adminKubeconfigSecretRef: { name: `${name}-kubeconfig` },
      },
      platform: {
        aws: {
          region,
          credentialsSecretRef: { name: 'customer-credentials' },
          privateLink: { enabled: true, ...options.privateLink },
        },
      },
      ...options.spec,
    },
  };
}

/** Writes documents as one file of a resources folder. */
export function writeFile(folder: string, name: string, ...documents: readonly object[]): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), documents.map((document) => stringify(document)).join('---\n'));
}

export function removeFile(folder: string, name: string): void {
  rmSync(join(folder, name));
}

/** The document's own arrangement: hub.yaml, and one file a cluster. */
export function writeHub(folder: string, hub: Hub, changes: Record<string, unknown> = {}): void {
  writeFile(folder, 'hub.yaml', hiveConfig(hub, changes), credentials('hub-credentials', 'hive', hub.account));
}

export function writeCluster(
  folder: string,
  name: string,
  customer: Customer,
  options: Parameters<typeof clusterDeployment>[1] = {},
): void {
  writeFile(
    folder,
    `${name}.yaml`,
    clusterDeployment(name, options),
    kubeconfigSecret(name, `api.${name}.acme.example`),
    credentials('customer-credentials', 'clusters', customer.account),
  );
}

/** What of a link exists in AWS, as its owners' own clients see it. */
export async function remains(hub: Hub, customer: Customer) {
  const endpoints = await hub.aws.ec2.describeVpcEndpoints({});
  const services = await customer.aws.ec2.describeVpcEndpointServiceConfigurations({});
  const zones = await hub.aws.route53.listHostedZones({});
  return {
    endpoints: (endpoints.VpcEndpoints ?? []).filter(({ State = '' }) => !/^deleted$/i.test(State)),
    services: services.ServiceConfigurations ?? [],
    zones: zones.HostedZones ?? [],
  };
}

/** Hub, customer and files of one cluster called acme. */
export async function stageCluster(
  url: string,
  folder: string,
  options: {
    readonly vpcs?: number;
    readonly zones?: string;
    readonly hive?: Record<string, unknown>;
    readonly cluster?: Parameters<typeof clusterDeployment>[1];
  } = {},
): Promise<{ hub: Hub; customer: Customer; loadBalancer: string }> {
  const hub = await makeHub(url, options.vpcs ?? 1, options.zones ?? 'ab');
  const customer = await makeCustomer(url, options.zones ?? 'ab');
  const loadBalancer = await makeLoadBalancer(customer, 'acme-x7k2p-int');
  writeHub(folder, hub, options.hive);
  writeCluster(folder, 'acme', customer, options.cluster);
  return { hub, customer, loadBalancer };
}

/** An endpoint of somebody else to the customer's service. */
export async function makeThirdParty(url: string, customer: Customer, serviceId: string, serviceName: string) {
  const account = freshAccount();
  const aws = clients(url, account);
  await customer.aws.ec2.modifyVpcEndpointServicePermissions({
    ServiceId: serviceId,
    AddAllowedPrincipals: [`arn:aws:iam::${account}:root`],
  });
  const { vpc, subnets } = await makeVpc(aws, '10.7', 'a');
  const { VpcEndpoint } = await aws.ec2.createVpcEndpoint({
    VpcEndpointType: 'Interface',
    VpcId: vpc,
    ServiceName: serviceName,
    SubnetIds: subnets,
  });
  return { account, aws, vpc, endpointId: VpcEndpoint?.VpcEndpointId ?? '' };
}
