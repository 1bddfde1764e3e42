import type * as ec2 from '@aws-sdk/client-ec2';
import { UsageError } from '@postern/core';
import type { InventoryEntry } from '../kinds/hive-config.ts';
import type { AssociatedPlumber, EndpointPlumber } from '../providers/aws/calls.ts';
import { AwsError, isAwsError } from '../providers/aws/errors.ts';
import { allPages } from '../providers/aws/pages.ts';
import { tagsOf } from '../reconcile/views.ts';
import { type Patience, patiently } from './patient.ts';
import type {
  AssociatedView,
  EndpointView,
  GroupView,
  PeeringView,
  RouteTableView,
  RuleView,
  SubnetView,
  VpcRef,
  VpcView,
} from './plan/views.ts';

/** Looks at both ends through their owners' clients; changes nothing. */

type Plumber = Pick<EndpointPlumber & AssociatedPlumber, 'describeVpcs' | 'describeRouteTables' | 'describeGroups'>;

const inVpc = (id: string) => [{ Name: 'vpc-id', Values: [id] }];

/** Every page of a list, each asked for patiently. */
async function every<Page extends { NextToken?: string | undefined }, Item>(
  patience: Patience,
  fetch: (token: { NextToken?: string }, signal: AbortSignal) => Promise<Page>,
  items: (page: Page) => readonly Item[] | undefined,
): Promise<Item[]> {
  return allPages(
    async (NextToken) =>
      (await patiently((signal) => fetch(NextToken === undefined ? {} : { NextToken }, signal), patience))!,
    items,
    (page) => page.NextToken,
  );
}

async function rawVpc(client: Plumber, ref: VpcRef, patience: Patience): Promise<ec2.Vpc> {
  const absent = (): never => {
    throw new UsageError(`there is no VPC ${ref.id} in ${ref.region}, as far as its credentials see`, {
      hint: 'check the id, --region and the credentials',
    });
  };
  try {
    const found = await every(
      patience,
      (token, signal) => client.describeVpcs({ VpcIds: [ref.id], ...token }, signal),
      (page) => page.Vpcs,
    );
    return found[0] ?? absent();
  } catch (error) {
    if (isAwsError(error, 'not-found') || (error instanceof AwsError && error.awsCode.startsWith('InvalidVpcI')))
      return absent();
    throw error;
  }
}

async function lookAtVpc(client: Plumber, ref: VpcRef, raw: ec2.Vpc, patience: Patience): Promise<VpcView> {
  const tables = await every(
    patience,
    (token, signal) => client.describeRouteTables({ Filters: inVpc(ref.id), ...token }, signal),
    (page) => page.RouteTables,
  );
  const blocks = (raw.CidrBlockAssociationSet ?? [])
    .filter(({ CidrBlockState }) => (CidrBlockState?.State ?? 'associated').startsWith('associat'))
    .map(({ CidrBlock }) => CidrBlock);
  const cidrs = [raw.CidrBlock, ...blocks].filter((cidr) => cidr !== undefined);
  return { ...ref, account: raw.OwnerId ?? '', cidrs: [...new Set(cidrs)], tables: tables.map(tableView) };
}

function tableView({ RouteTableId, Associations, Routes }: ec2.RouteTable): RouteTableView {
  return {
    id: RouteTableId ?? '',
    main: (Associations ?? []).some(({ Main }) => Main === true),
    subnetIds: (Associations ?? []).flatMap(({ SubnetId }) => SubnetId ?? []),
    routes: (Routes ?? []).flatMap((route) => {
      const target =
        route.VpcPeeringConnectionId ??
        route.TransitGatewayId ??
        route.GatewayId ??
        route.NatGatewayId ??
        route.NetworkInterfaceId ??
        route.InstanceId ??
        '';
      const destination = route.DestinationCidrBlock;
      return destination === undefined ? [] : [{ destination, target, blackhole: route.State === 'blackhole' }];
    }),
  };
}

function groupView({ GroupId, GroupName, VpcId, IpPermissions }: ec2.SecurityGroup): GroupView {
  const rules = (IpPermissions ?? []).flatMap((permission): RuleView[] => {
    const { IpProtocol: protocol = '-1', FromPort: from, ToPort: to } = permission;
    const all = protocol === '-1';
    const ports = { protocol, from: all ? undefined : from, to: all ? undefined : to };
    return [
      ...(permission.IpRanges ?? []).map(({ CidrIp = '', Description = '' }): RuleView => ({
        ...ports,
        peer: { kind: 'cidr', cidr: CidrIp },
        description: Description,
      })),
      ...(permission.UserIdGroupPairs ?? []).map(
        ({ GroupId: groupId = '', UserId = '', Description = '' }): RuleView => ({
          ...ports,
          peer: { kind: 'group', groupId, account: UserId },
          description: Description,
        }),
      ),
    ];
  });
  return { id: GroupId ?? '', name: GroupName ?? '', vpcId: VpcId ?? '', rules };
}

async function groups(client: Plumber, filters: ec2.Filter[], patience: Patience): Promise<GroupView[]> {
  const found = await every(
    patience,
    (token, signal) => client.describeGroups({ Filters: filters, ...token }, signal),
    (page) => page.SecurityGroups,
  );
  return found.map(groupView);
}

/** The VPC with the endpoints, and the groups that those wear. */
export async function lookAtEndpointVpc(
  client: EndpointPlumber,
  ref: VpcRef,
  entry: InventoryEntry | undefined,
  patience: Patience,
): Promise<EndpointView> {
  const vpc = await lookAtVpc(client, ref, await rawVpc(client, ref, patience), patience);
  const chosen = entry?.securityGroupIDs;
  const filter =
    chosen === undefined ? { Name: 'group-name', Values: ['default'] } : { Name: 'group-id', Values: [...chosen] };
  return { vpc, groups: await groups(client, [...inVpc(ref.id), filter], patience) };
}

const clusterTag = 'kubernetes.io/cluster/';

/** A VPC that must reach the endpoints, its workers' group, and what peers it with the other VPC. */
export async function lookAtAssociatedVpc(
  client: AssociatedPlumber,
  ref: VpcRef,
  endpointVpc: string,
  patience: Patience,
): Promise<AssociatedView> {
  const raw = await rawVpc(client, ref, patience);
  const vpc = await lookAtVpc(client, ref, raw, patience);
  const infraIds = Object.keys(tagsOf(raw.Tags))
    .filter((key) => key.startsWith(clusterTag))
    .map((key) => key.slice(clusterTag.length));
  // The installer's two names: before OpenShift 4.16, and since.
  const names = infraIds.flatMap((id) => [`${id}-worker-sg`, `${id}-node`]);
  const workers =
    names.length === 0 ? [] : await groups(client, [...inVpc(ref.id), { Name: 'tag:Name', Values: names }], patience);
  const between = await Promise.all([
    peerings(client, ref.id, endpointVpc, patience),
    peerings(client, endpointVpc, ref.id, patience),
  ]);
  return { vpc, workers: workers.toSorted((a, b) => (a.id < b.id ? -1 : 1))[0], peerings: between.flat() };
}

export async function peerings(
  client: Pick<EndpointPlumber, 'describePeerings'>,
  requester: string,
  accepter: string,
  patience: Patience,
): Promise<PeeringView[]> {
  const Filters = [
    { Name: 'requester-vpc-info.vpc-id', Values: [requester] },
    { Name: 'accepter-vpc-info.vpc-id', Values: [accepter] },
  ];
  const found = await every(
    patience,
    (token, signal) => client.describePeerings({ Filters, ...token }, signal),
    (page) => page.VpcPeeringConnections,
  );
  return found.map(({ VpcPeeringConnectionId, Status, RequesterVpcInfo, AccepterVpcInfo, Tags }) => ({
    id: VpcPeeringConnectionId ?? '',
    state: Status?.Code ?? '',
    requesterVpc: RequesterVpcInfo?.VpcId ?? '',
    accepterVpc: AccepterVpcInfo?.VpcId ?? '',
    accepterRegion: AccepterVpcInfo?.Region ?? '',
    tags: tagsOf(Tags),
  }));
}

/** The subnets that a person named, in that order. */
export async function lookAtSubnets(
  client: EndpointPlumber,
  ids: readonly string[],
  patience: Patience,
): Promise<SubnetView[]> {
  try {
    const found = await every(
      patience,
      (token, signal) => client.describeSubnets({ SubnetIds: [...ids], ...token }, signal),
      (page) => page.Subnets,
    );
    const views = found.map(({ SubnetId, VpcId, AvailabilityZone, AvailableIpAddressCount }) => ({
      id: SubnetId ?? '',
      vpcId: VpcId ?? '',
      zone: AvailabilityZone ?? '',
      freeAddresses: AvailableIpAddressCount ?? 0,
    }));
    return ids.flatMap((id) => views.find((view) => view.id === id) ?? []);
  } catch (error) {
    if (!(error instanceof AwsError) || !error.awsCode.startsWith('InvalidSubnet')) throw error;
    throw new UsageError(`--subnet-ids: ${error.message.replace(/^[\w:]+: [\w.]+: /, '')}`, {
      hint: 'name subnets of the endpoint VPC, in its region',
      cause: error,
    });
  }
}

export async function zonesOf(client: EndpointPlumber, patience: Patience): Promise<string[]> {
  const Filters = [
    { Name: 'zone-type', Values: ['availability-zone'] },
    { Name: 'opt-in-status', Values: ['opt-in-not-required', 'opted-in'] },
  ];
  const answer = await patiently((signal) => client.describeZones({ Filters }, signal), patience);
  return (answer?.AvailabilityZones ?? []).flatMap(({ ZoneName }) => ZoneName ?? []).toSorted();
}

export interface EndpointInVpc {
  readonly id: string;
  readonly serviceName: string;
  readonly state: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Interface endpoints that are in a VPC and not on their way out. */
export async function endpointsIn(
  client: EndpointPlumber,
  vpcId: string,
  patience: Patience,
): Promise<EndpointInVpc[]> {
  const found = await every(
    patience,
    (token, signal) => client.describeEndpoints({ Filters: inVpc(vpcId), ...token }, signal),
    (page) => page.VpcEndpoints,
  );
  return found
    .filter(
      ({ State = '', VpcEndpointType = 'Interface' }) => VpcEndpointType === 'Interface' && !/^delet/i.test(State),
    )
    .map(({ VpcEndpointId = '', ServiceName = '', State = '', Tags }) => ({
      id: VpcEndpointId,
      serviceName: ServiceName,
      state: State.toLowerCase(),
      tags: tagsOf(Tags),
    }));
}
