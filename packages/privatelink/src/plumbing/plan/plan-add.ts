import { cidrsOverlap, parseCidr, PosternError, UsageError } from '@postern/core';
import type { InventoryEntry } from '../../kinds/hive-config.ts';
import { missingRoutes, ref } from './routes.ts';
import { missingRules, ruleDescription, rulesFor, sourcesOf } from './rules.ts';
import type { PlumbingPlan, PlumbingStep } from './steps.ts';
import { type AssociatedView, type EndpointView, openPeering, type SubnetView, type VpcView } from './views.ts';

/** From what is there to the steps that make a VPC fit for endpoints. Steps that are done already are not planned. */

export interface AddAsk {
  readonly endpoint: EndpointView;
  readonly associated: readonly AssociatedView[];
  /** Those that the person named, in that order. */
  readonly subnets: readonly SubnetView[];
  /** Zones of the region where endpoints can be. */
  readonly zones: readonly string[];
  readonly ports: readonly number[];
  readonly allProtocols: boolean;
  /** What the inventory says of the VPC now. */
  readonly entry: InventoryEntry | undefined;
}

/** AWS takes one address a zone for each endpoint; the PrivateLink document asks for this many. */
const freeAddressesMin = 255;

export function planAdd(ask: AddAsk): PlumbingPlan {
  const { endpoint, associated, subnets } = ask;
  refuseSubnets(endpoint.vpc, subnets);
  const warnings = [...subnetWarnings(ask)];
  if (associated.length === 0)
    warnings.push('the HiveConfig names no associated VPC: no network is connected, only the inventory changes');
  const peering: PlumbingStep[] = [];
  const network: PlumbingStep[] = [];
  for (const other of associated) {
    if (other.vpc.id === endpoint.vpc.id) {
      network.push(...openRules(ask, other));
      continue;
    }
    refuseOverlap(endpoint.vpc, other.vpc);
    peering.push(...peeringSteps(endpoint.vpc, other));
    const routes = routeSteps(ask, other);
    warnings.push(...routes.warnings);
    network.push(...routes.steps, ...openRules(ask, other));
  }
  return { steps: [...peering, ...network, ...inventoryStep(ask)], warnings };
}

function refuseSubnets(vpc: VpcView, subnets: readonly SubnetView[]): void {
  for (const { id, vpcId } of subnets)
    if (vpcId !== vpc.id)
      throw new UsageError(`--subnet-ids: ${id} is in ${vpcId} and not in ${vpc.id}`, {
        hint: `name subnets of ${vpc.id}`,
      });
  for (const [zone, inZone] of Map.groupBy(subnets, ({ zone }) => zone))
    if (inZone.length > 1)
      throw new UsageError(`--subnet-ids: ${inZone.map(({ id }) => id).join(' and ')} are in one zone, ${zone}`, {
        hint: 'an endpoint takes one subnet a zone; name one of them',
      });
}

function* subnetWarnings({ subnets, zones }: AddAsk): Generator<string> {
  for (const { id, zone, freeAddresses } of subnets)
    if (freeAddresses < freeAddressesMin)
      yield `${id} (${zone}) has ${freeAddresses} free addresses, fewer than ${freeAddressesMin}: each endpoint takes one`;
  const covered = new Set(subnets.map(({ zone }) => zone));
  const left = zones.filter((zone) => !covered.has(zone));
  if (left.length > 0)
    yield `no subnet in ${left.join(', ')}: a cluster whose load balancer is only there gets no endpoint in this VPC`;
}

/** AWS would let the request fail minutes later, in words that leave open why. */
function refuseOverlap(a: VpcView, b: VpcView): void {
  for (const x of a.cidrs)
    for (const y of b.cidrs) {
      const [one, two] = [parseCidr(x), parseCidr(y)];
      if (!('kind' in one) && !('kind' in two) && cidrsOverlap(one, two))
        throw new UsageError(`${a.id} (${x}) and ${b.id} (${y}) overlap, and overlapping VPCs cannot be peered`, {
          hint: 'take an endpoint VPC with another address block',
        });
    }
}

function peeringSteps(endpoint: VpcView, { vpc, peerings }: AssociatedView): PlumbingStep[] {
  const open = openPeering(peerings);
  if (open?.state === 'active') return [];
  if (open?.requesterVpc === endpoint.id)
    throw new PosternError('PEERING_TURNED', `${open.id}, requested by ${endpoint.id}, is not active (${open.state})`, {
      hint: `accept it in the account of ${vpc.id}, or delete it; then run this again`,
    });
  const ends = { from: ref(vpc), to: ref(endpoint) };
  const accept: PlumbingStep[] = [
    { kind: 'accept-peering', ...ends },
    { kind: 'await-peering', ...ends },
  ];
  if (open === undefined) return [{ kind: 'request-peering', ...ends, toAccount: endpoint.account }, ...accept];
  return open.state === 'provisioning' ? accept.slice(1) : accept;
}

function routeSteps({ endpoint, subnets }: AddAsk, { vpc, peerings }: AssociatedView) {
  const peering = openPeering(peerings);
  const ends = { from: ref(vpc), to: ref(endpoint.vpc), peering };
  const there = missingRoutes({ at: vpc, towards: endpoint.vpc, only: undefined, ...ends });
  const back = missingRoutes({ at: endpoint.vpc, towards: vpc, only: subnets.map(({ id }) => id), ...ends });
  return { steps: [...there.steps, ...back.steps], warnings: [...there.warnings, ...back.warnings] };
}

function openRules({ endpoint, ports, allProtocols }: AddAsk, other: AssociatedView): PlumbingStep[] {
  const description = ruleDescription(other.vpc.id);
  const wanted = rulesFor(sourcesOf(other, endpoint.vpc), allProtocols ? 'all' : ports, description);
  const steps = endpoint.groups.map((group): PlumbingStep => ({
    kind: 'allow',
    at: ref(endpoint.vpc),
    group: group.id,
    rules: missingRules(group, wanted),
  }));
  return [...steps, ...(allProtocols ? wayBack(endpoint, other) : [])].filter(
    (step) => step.kind === 'allow' && step.rules.length > 0,
  );
}

/** With `--all-protocols` the document's own arrangement: the workers let the endpoints' group in as well. */
function wayBack({ vpc, groups }: EndpointView, { vpc: at, workers }: AssociatedView): PlumbingStep[] {
  if (workers === undefined || at.id === vpc.id) return [];
  const inRegion = at.region.toLowerCase() === vpc.region.toLowerCase();
  const peers = inRegion
    ? groups.map(({ id }) => ({ kind: 'group', groupId: id, account: vpc.account }) as const)
    : vpc.cidrs.map((cidr) => ({ kind: 'cidr', cidr }) as const);
  const rules = missingRules(workers, rulesFor(peers, 'all', ruleDescription(vpc.id)));
  return [{ kind: 'allow', at: ref(at), group: workers.id, rules }];
}

function inventoryStep({ endpoint: { vpc }, subnets, entry }: AddAsk): PlumbingStep[] {
  const wanted = subnets
    .map(({ id, zone }) => ({ subnetID: id, availabilityZone: zone }))
    .toSorted((a, b) => (`${a.availabilityZone} ${a.subnetID}` < `${b.availabilityZone} ${b.subnetID}` ? -1 : 1));
  const next: InventoryEntry = { ...entry, region: entry?.region ?? vpc.region, vpcID: vpc.id, subnets: wanted };
  const key = (one: InventoryEntry): string =>
    (one.subnets ?? [])
      .map(({ subnetID, availabilityZone }) => `${subnetID} ${availabilityZone}`)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .join();
  if (entry !== undefined && key(entry) === key(next)) return [];
  return [{ kind: 'put-inventory', entry: next, before: entry, index: undefined }];
}
