/** The world before the run: a hub with an inventory of VPCs, customers with load balancers, and the folder that asks for links. */
import {
  type Clients,
  clients,
  clusterDeployment,
  credentials,
  hiveConfig,
  kubeconfigSecret,
  makeVpc,
  region,
  writeFile,
} from '../../test/e2e/privatelink/world.ts';

export interface StageOptions {
  readonly clusters: number;
  /** Clusters of one customer's account; AWS gives an account 20 endpoint services a region. */
  readonly perAccount: number;
  /** AWS's default quota of interface endpoints a VPC; the inventory has one VPC more than that needs. */
  readonly endpointsPerVpc: number;
}

export interface Stage {
  readonly hub: Clients;
  readonly vpcs: number;
  readonly customers: number;
}

/** Accounts that are made ready at the same time. */
const sideBySide = 10;
const hubAccount = '900000000001';

export async function stage(url: string, folder: string, options: StageOptions, signal: AbortSignal): Promise<Stage> {
  const hub = clients(url, hubAccount);
  const vpcs: Array<{ vpc: string; subnets: readonly string[] }> = [];
  const wanted = Math.ceil(options.clusters / options.endpointsPerVpc) + 1;
  for (let i = 0; i < wanted; i++) vpcs.push(await makeVpc(hub, `10.${i}`));
  const { vpc: hive } = await makeVpc(hub, '10.254', 'a');
  writeFile(
    folder,
    'hub.yaml',
    hiveConfig({ account: hubAccount, aws: hub, vpcs }, { associatedVPCs: [{ vpcID: hive, region }] }),
    credentials('hub-credentials', 'hive', hubAccount),
  );
  const customers = Math.ceil(options.clusters / options.perAccount);
  for (let first = 0; first < customers; first += sideBySide) {
    signal.throwIfAborted();
    const some = Array.from({ length: Math.min(sideBySide, customers - first) }, (_, i) => first + i);
    await Promise.all(some.map((index) => makeCustomer(url, folder, index, options)));
  }
  return { hub, vpcs: wanted, customers };
}

async function makeCustomer(url: string, folder: string, index: number, options: StageOptions): Promise<void> {
  const account = String(100_000_000_000 + index);
  const aws = clients(url, account);
  const { subnets } = await makeVpc(aws, '10.0');
  const namespace = `customer-${index}`;
  writeFile(folder, `${namespace}/credentials.yaml`, credentials('customer-credentials', namespace, account));
  const last = Math.min(options.clusters, (index + 1) * options.perAccount);
  for (let i = index * options.perAccount; i < last; i++) {
    const name = `c${String(i).padStart(4, '0')}`;
    await aws.elb.createLoadBalancer({
      Name: `${name}-x7k2p-int`,
      Type: 'network',
      Scheme: 'internal',
      Subnets: subnets,
    });
    const cluster = clusterDeployment(name);
    const secret = kubeconfigSecret(name, `api.${name}.acme.example`);
    cluster.metadata.namespace = namespace;
    secret.metadata.namespace = namespace;
    writeFile(folder, `${namespace}/${name}.yaml`, cluster, secret);
  }
}
