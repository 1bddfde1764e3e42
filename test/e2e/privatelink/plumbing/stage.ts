/** Three accounts and three regions' worth of VPCs that `endpointvpc add` must connect, and the folder that says so. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AwsSimulator } from '@postern/lab/aws';
import { addEndpointVpc, type HiveHome, openHome, removeEndpointVpc } from '@postern/privatelink';
import { stringify } from 'yaml';
import type { CallObserver } from '../../../../packages/privatelink/src/providers/aws/clients.ts';
import { clock, Killed } from '../harness.ts';
import { clients, credentials, freshAccount, makeVpc, region } from '../world.ts';

export const otherRegion = 'us-west-2';

export interface Stage {
  readonly hubAccount: string;
  readonly thirdAccount: string;
  readonly endpointVpc: string;
  readonly subnets: readonly string[];
  /** In the hub's account and region; has a workers' group and a private route table. */
  readonly hiveVpc: string;
  readonly workers: string;
  readonly privateTable: string;
  /** In another account and region. */
  readonly farVpc: string;
}

export interface StageOptions {
  /** Key ids in place of the accounts' roots. */
  readonly hubKeys?: { readonly id: string; readonly secret: string };
  readonly farKeys?: { readonly id: string; readonly secret: string };
  readonly hubAccount?: string;
  readonly thirdAccount?: string;
}

export async function makeStage(url: string, folder: string, options: StageOptions = {}): Promise<Stage> {
  const hubAccount = options.hubAccount ?? freshAccount();
  const thirdAccount = options.thirdAccount ?? freshAccount();
  const hub = clients(url, hubAccount);
  const far = clients(url, thirdAccount, otherRegion);
  const endpoint = await makeVpc(hub, '10.1', 'ab');
  await hub.ec2.associateVpcCidrBlock({ VpcId: endpoint.vpc, CidrBlock: '10.11.0.0/16' });
  const hive = await makeVpc(hub, '10.0', 'ab');
  await hub.ec2.createTags({
    Resources: [hive.vpc],
    Tags: [{ Key: 'kubernetes.io/cluster/hive-abc12', Value: 'shared' }],
  });
  const group = await hub.ec2.createSecurityGroup({
    GroupName: 'workers',
    Description: 'workers',
    VpcId: hive.vpc,
    TagSpecifications: [{ ResourceType: 'security-group', Tags: [{ Key: 'Name', Value: 'hive-abc12-node' }] }],
  });
  const table = await hub.ec2.createRouteTable({ VpcId: hive.vpc });
  const privateTable = table.RouteTable?.RouteTableId ?? '';
  await hub.ec2.associateRouteTable({ RouteTableId: privateTable, SubnetId: hive.subnets[0]! });
  const farVpc = (await makeVpc(far, '10.2', 'a', otherRegion)).vpc;
  await far.ec2.associateVpcCidrBlock({ VpcId: farVpc, CidrBlock: '10.22.0.0/16' });
  writeFileSync(join(folder, 'hive.yaml'), hiveYaml(hive.vpc, farVpc));
  const secrets = [
    secret('hub-credentials', hubAccount, options.hubKeys),
    secret('far-credentials', thirdAccount, options.farKeys),
  ];
  writeFileSync(join(folder, 'secrets.yaml'), secrets.map((one) => stringify(one)).join('---\n'));
  return {
    hubAccount,
    thirdAccount,
    endpointVpc: endpoint.vpc,
    subnets: endpoint.subnets,
    hiveVpc: hive.vpc,
    workers: group.GroupId ?? '',
    privateTable,
    farVpc,
  };
}

function secret(name: string, account: string, keys: { id: string; secret: string } | undefined) {
  const made = credentials(name, 'hive', account);
  if (keys === undefined) return made;
  return { ...made, stringData: { aws_access_key_id: keys.id, aws_secret_access_key: keys.secret } };
}

const hiveYaml = (hiveVpc: string, farVpc: string): string => `# the hub
apiVersion: hive.openshift.io/v1
kind: HiveConfig
metadata: {name: hive}
spec:
  # where endpoints go
  awsPrivateLink:
    endpointVPCInventory: []
    credentialsSecretRef: {name: hub-credentials}
    associatedVPCs:
    - {region: ${region}, vpcID: ${hiveVpc}} # Hive itself
    - region: ${otherRegion}
      vpcID: ${farVpc}
      credentialsSecretRef: {name: far-credentials}
`;

export const hiveText = (folder: string): string => readFileSync(join(folder, 'hive.yaml'), 'utf8');

export interface CommandOptions {
  readonly observer?: CallObserver;
  readonly dryRun?: boolean;
  readonly allProtocols?: boolean;
  /** Ends the files' half of the world with the other. */
  readonly dead?: () => boolean;
}

/** A home that dies with its process. */
async function mortalHome(folder: string, dead: () => boolean): Promise<HiveHome> {
  const home = await openHome({ source: { kind: 'files', folder }, clock, random: Math.random });
  return {
    ...home,
    edit(edit) {
      if (dead()) throw new Killed();
      return home.edit(edit);
    },
  };
}

async function command(url: string, folder: string, { observer, dryRun = false, dead = () => false }: CommandOptions) {
  return {
    home: await mortalHome(folder, dead),
    awsEndpoint: url,
    clock,
    random: Math.random,
    signal: new AbortController().signal,
    dryRun,
    ...(observer === undefined ? {} : { observer }),
  };
}

export async function add(url: string, folder: string, stage: Stage, options: CommandOptions = {}) {
  const { endpointVpc: vpc, subnets: subnetIds } = stage;
  const { allProtocols = false } = options;
  return addEndpointVpc({ ...(await command(url, folder, options)), vpc, region, subnetIds, allProtocols });
}

export async function remove(url: string, folder: string, stage: Stage, options: CommandOptions = {}) {
  return removeEndpointVpc({ ...(await command(url, folder, options)), vpc: stage.endpointVpc });
}

/** All that the commands may change in AWS, without the ids that differ from run to run. */
export function network(simulator: AwsSimulator, { hubAccount, thirdAccount }: Stage): string[] {
  const state = simulator.state();
  const records = (kind: string) =>
    ((state[kind] ?? []) as Array<Record<string, unknown> & { account: string }>).filter(({ account }) =>
      [hubAccount, thirdAccount].includes(account),
    );
  const peerings = records('vpc-peering-connection').filter(
    ({ state: at }) => !/^(delet|fail|reject)/.test(String(at)),
  );
  const ids = new Map(
    peerings.map(({ id, requester }) => [String(id), `pcx of ${(requester as { vpc: string }).vpc}`]),
  );
  const routes = records('route-table').flatMap(({ id, routes: all }) =>
    (all as Array<{ destination: string; target: string }>).map(
      ({ destination, target }) => `${String(id)} ${destination} -> ${ids.get(target) ?? target}`,
    ),
  );
  const rules = records('security-group-rule').map(
    ({ group, egress, protocol, from, to, cidr, peerGroup }) =>
      `${String(group)} ${egress === true ? 'out' : 'in'} ${String(protocol)} ${String(from)}-${String(to)} ${String(cidr ?? peerGroup)}`,
  );
  return [...[...ids.values()].map((of, i) => `${of} ${String(peerings[i]!.state)}`), ...routes, ...rules].toSorted();
}
