import { type Cidr, cidrContains, parseCidr } from '@postern/core';
import { clusterPorts } from './rules.ts';
import { tablesInUse } from './routes.ts';
import {
  type AssociatedView,
  type EndpointView,
  openPeering,
  type RouteTableView,
  type RuleView,
  type VpcView,
} from './views.ts';

/** Can the hub's VPCs reach the endpoints? Judged from what AWS says of groups, ways and names; no packet is sent. */

export interface Check {
  readonly status: 'ok' | 'warn' | 'fail';
  readonly check: 'inventory' | 'security group' | 'connection' | 'routes' | 'resolution';
  readonly subject: string;
  readonly message: string;
  /** What to do about it. */
  readonly next?: string;
}

export interface DnsSettings {
  readonly support: boolean;
  readonly hostnames: boolean;
}

/** A VPC's attachments to transit gateways; undefined: nobody may look. */
export type Attachments = ReadonlyArray<{ readonly gateway: string; readonly state: string }> | undefined;

export interface Pair {
  readonly endpoint: EndpointView;
  readonly subnetIds: readonly string[];
  readonly associated: AssociatedView;
  readonly ports: readonly number[];
  readonly endpointAttachments: Attachments;
  readonly associatedAttachments: Attachments;
}

export function checkPair(pair: Pair): Check[] {
  if (pair.endpoint.vpc.id === pair.associated.vpc.id) return [checkGroups(pair)];
  return [checkConnection(pair), ...checkRoutes(pair), checkGroups(pair)];
}

const between = ({ endpoint, associated }: Pair): string => `${associated.vpc.id} -> ${endpoint.vpc.id}`;
const addAgain = ({ endpoint: { vpc } }: Pair, subnetIds: readonly string[]): string =>
  `postern privatelink endpointvpc add ${vpc.id} --region ${vpc.region} --subnet-ids ${subnetIds.join(',')}`;

function checkConnection(pair: Pair): Check {
  const { endpoint, associated, endpointAttachments, associatedAttachments } = pair;
  const common = { check: 'connection', subject: between(pair) } as const;
  const next = addAgain(pair, pair.subnetIds);
  const open = openPeering(associated.peerings);
  if (open?.state === 'active') return { ...common, status: 'ok', message: `the peering ${open.id} is active` };
  const gateways = new Set(
    tablesInUse(associated.vpc, undefined).flatMap((table) =>
      endpoint.vpc.cidrs.flatMap((cidr) => {
        const way = wayTo(table, cidr);
        return way !== undefined && !way.blackhole && way.target.startsWith('tgw-') ? [way.target] : [];
      }),
    ),
  );
  if (gateways.size === 0) {
    const message =
      open === undefined
        ? 'there is neither a peering nor a way through a transit gateway'
        : `the peering ${open.id} is ${open.state}`;
    return { ...common, status: 'fail', message, next };
  }
  const names = [...gateways].join(', ');
  if (endpointAttachments === undefined || associatedAttachments === undefined)
    return {
      ...common,
      status: 'warn',
      message: `the way leads through ${names}, whose attachments the credentials may not see`,
      next: 'grant ec2:DescribeTransitGatewayVpcAttachments',
    };
  const attached = (list: NonNullable<Attachments>, gateway: string): boolean =>
    list.some((one) => one.gateway === gateway && one.state === 'available');
  const lost = [...gateways].filter((gateway) => !attached(associatedAttachments, gateway));
  if (lost.length > 0)
    return {
      ...common,
      status: 'fail',
      message: `the routes lead to ${lost.join(', ')}, to which ${associated.vpc.id} is not attached`,
      next: 'attach it, or remove the routes and run endpointvpc add',
    };
  return [...gateways].some((gateway) => attached(endpointAttachments, gateway))
    ? { ...common, status: 'ok', message: `both are attached to ${names}` }
    : {
        ...common,
        status: 'warn',
        message: `the way leads through ${names}, to which ${endpoint.vpc.id} is not attached itself; whether the gateways are joined is not looked at`,
      };
}

/** The route that a packet to all of a block would take: the longest prefix that holds the block. */
export function wayTo(table: RouteTableView, cidr: string): RouteTableView['routes'][number] | undefined {
  const block = network(cidr);
  if (block === undefined) return undefined;
  return table.routes
    .flatMap((route) => {
      const destination = network(route.destination);
      return destination !== undefined && holds(destination, block) ? [{ route, prefix: destination.prefix }] : [];
    })
    .toSorted((a, b) => b.prefix - a.prefix)[0]?.route;
}

function network(text: string): Cidr | undefined {
  const cidr = parseCidr(text);
  return 'kind' in cidr ? undefined : cidr;
}

function holds(outer: Cidr, inner: Cidr): boolean {
  return outer.prefix <= inner.prefix && cidrContains(outer, inner.address);
}

function checkRoutes(pair: Pair): Check[] {
  const { endpoint, associated, subnetIds } = pair;
  const there = { at: associated.vpc, towards: endpoint.vpc, only: undefined };
  const back = { at: endpoint.vpc, towards: associated.vpc, only: subnetIds };
  return [there, back].flatMap(({ at, towards, only }) =>
    towards.cidrs.map((cidr) => checkWay(pair, at, towards, cidr, only)),
  );
}

function checkWay(pair: Pair, at: VpcView, towards: VpcView, cidr: string, only: readonly string[] | undefined): Check {
  const common = { check: 'routes', subject: `${at.id} -> ${towards.id}` } as const;
  const tables = tablesInUse(at, only);
  const good = tables.filter((table) => {
    const way = wayTo(table, cidr);
    return way !== undefined && !way.blackhole && /^(pcx|tgw)-/.test(way.target);
  });
  const lost = tables.filter((table) => !good.includes(table)).map(({ id }) => id);
  if (lost.length === 0) return { ...common, status: 'ok', message: `every route table in use knows ${cidr}` };
  const dead = tables.some((table) => wayTo(table, cidr)?.blackhole === true);
  return {
    ...common,
    // A main table that no subnet uses may well know nothing; that nobody knows the way cannot be right.
    status: good.length === 0 || dead ? 'fail' : 'warn',
    message: `${lost.join(', ')} ${lost.length === 1 ? 'has' : 'have'} no living way to ${cidr}`,
    next: addAgain(pair, pair.subnetIds),
  };
}

function checkGroups(pair: Pair): Check {
  const { endpoint, ports } = pair;
  const common = { check: 'security group', subject: between(pair) } as const;
  const names = endpoint.groups.map(({ id }) => id).join(', ');
  if (endpoint.groups.length === 0)
    return { ...common, status: 'fail', message: `${endpoint.vpc.id} has no group that its endpoints could wear` };
  const rules = endpoint.groups.flatMap((group) => group.rules);
  const closed = ports.filter((port) => !isOpen(rules, port, pair.associated));
  // Services other than clusters are tried too; machine configuration matters only while nodes join.
  const status = closed.some((port) => port === clusterPorts[0]) ? 'fail' : closed.length > 0 ? 'warn' : 'ok';
  const message =
    closed.length === 0
      ? `${names} lets in TCP ${ports.join(', ')}`
      : `${names} does not let in TCP ${closed.join(', ')} from ${pair.associated.workers?.id ?? pair.associated.vpc.cidrs.join(', ')}`;
  return { ...common, status, message, ...(closed.length === 0 ? {} : { next: addAgain(pair, pair.subnetIds) }) };
}

function isOpen(rules: readonly RuleView[], port: number, { vpc, workers }: AssociatedView): boolean {
  const fitting = rules.filter(
    ({ protocol, from, to }) =>
      protocol === '-1' || (protocol === 'tcp' && (from ?? 0) <= port && port <= (to ?? 65_535)),
  );
  if (workers !== undefined && fitting.some(({ peer }) => peer.kind === 'group' && peer.groupId === workers.id))
    return true;
  return vpc.cidrs.every((cidr) => {
    const block = network(cidr);
    return fitting.some(({ peer }) => {
      const source = peer.kind === 'cidr' ? network(peer.cidr) : undefined;
      return block !== undefined && source !== undefined && holds(source, block);
    });
  });
}

/** https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html */
export function checkDns({ id, region }: Pick<VpcView, 'id' | 'region'>, { support, hostnames }: DnsSettings): Check {
  const common = { check: 'resolution', subject: id } as const;
  const next = (attribute: string): string =>
    `aws ec2 modify-vpc-attribute --region ${region} --vpc-id ${id} --${attribute}`;
  if (!support)
    return {
      ...common,
      status: 'fail',
      message: 'enableDnsSupport is off: no private zone resolves there',
      next: next('enable-dns-support'),
    };
  if (!hostnames)
    return {
      ...common,
      status: 'warn',
      message: 'enableDnsHostnames is off, and AWS wants it on for private zones',
      next: next('enable-dns-hostnames'),
    };
  return { ...common, status: 'ok', message: 'DNS support and host names are on' };
}

export interface ZoneOfLink {
  readonly link: string;
  readonly zoneId: string;
  /** undefined: there is no such zone. */
  readonly vpcs: readonly string[] | undefined;
}

export function checkZone({ link, zoneId, vpcs }: ZoneOfLink, associated: readonly string[]): Check {
  const common = { check: 'resolution', subject: link } as const;
  if (vpcs === undefined)
    return { ...common, status: 'fail', message: `its zone ${zoneId} does not exist`, next: 'run the controller' };
  const lost = associated.filter((id) => !vpcs.includes(id));
  if (lost.length > 0)
    return {
      ...common,
      status: 'fail',
      message: `its zone ${zoneId} is not associated with ${lost.join(', ')}`,
      next: 'run the controller; see postern privatelink status',
    };
  return { ...common, status: 'ok', message: `its zone ${zoneId} is associated with every associated VPC` };
}

/** What the inventory says against what is there. */
export function checkInventory(
  vpcId: string,
  subnets: ReadonlyArray<{ readonly subnetID: string; readonly availabilityZone: string }>,
  there: ReadonlyMap<string, { readonly vpcId: string; readonly zone: string }>,
): Check {
  const wrong = subnets.flatMap(({ subnetID, availabilityZone }) => {
    const real = there.get(subnetID);
    if (real === undefined) return [`${subnetID} does not exist`];
    if (real.vpcId !== vpcId) return [`${subnetID} is in ${real.vpcId}`];
    return real.zone === availabilityZone ? [] : [`${subnetID} is in ${real.zone} and not in ${availabilityZone}`];
  });
  const common = { check: 'inventory', subject: vpcId } as const;
  return wrong.length === 0
    ? { ...common, status: 'ok', message: `its ${subnets.length} subnets are as the inventory says` }
    : { ...common, status: 'fail', message: wrong.join('; '), next: 'mend the inventory in the HiveConfig' };
}
