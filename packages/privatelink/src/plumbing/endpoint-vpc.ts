import { PosternError, UsageError } from '@postern/core';
import type { Store } from '@postern/resources';
import type { AwsPrivateLink, HiveConfigSpec, InventoryEntry } from '../kinds/hive-config.ts';
import { privateLinkKind } from '../kinds/private-link.ts';
import { associatedVpcsOf } from '../plan/desired.ts';
import { ownerTag } from '../plan/names.ts';
import type { ActContext } from './act.ts';
import { carryOut, ownersIn, type Plumbing, type PlumbingOptions, sectionOf, withPlumbing } from './context.ts';
import { endpointsIn, lookAtAssociatedVpc, lookAtEndpointVpc, lookAtSubnets, zonesOf } from './look.ts';
import type { Patience } from './patient.ts';
import { planAdd } from './plan/plan-add.ts';
import { list } from './plan/plan-enable.ts';
import { planRemove } from './plan/plan-remove.ts';
import { clusterPorts } from './plan/rules.ts';
import type { PlumbingPlan } from './plan/steps.ts';
import type { AssociatedView, VpcRef } from './plan/views.ts';
import type { RunHooks } from './run.ts';

/** `endpointvpc add` and `remove`: look at everything, plan, and do it unless it is a dry run. */

export interface EndpointVpcOptions extends PlumbingOptions {
  readonly vpc: string;
  readonly dryRun: boolean;
  readonly hooks?: RunHooks & { readonly onPlan?: (plan: PlumbingPlan) => void };
}

export interface AddOptions extends EndpointVpcOptions {
  readonly region: string;
  readonly subnetIds: readonly string[];
  readonly allProtocols: boolean;
}

export interface RemoveOptions extends EndpointVpcOptions {
  /** Where it is, for one that the inventory no longer names. */
  readonly region?: string | undefined;
}

export async function addEndpointVpc(options: AddOptions): Promise<PlumbingPlan> {
  const { home, vpc, region, subnetIds, allProtocols } = options;
  if (subnetIds.length === 0 || new Set(subnetIds).size !== subnetIds.length)
    throw new UsageError('--subnet-ids names no subnet, or one twice');
  return withPlumbing(options, async (plumbing) => {
    const config = await home.config();
    const section = sectionOf(config);
    const { accounts, patience } = plumbing;
    const entry = entryOf(section, vpc);
    if (entry !== undefined && entry.region.toLowerCase() !== region.toLowerCase())
      throw new UsageError(`--region ${region}: the inventory has ${vpc} in ${entry.region}`);
    const client = await accounts.endpointPlumber(config!, region);
    const ref: VpcRef = { id: vpc, region, side: 'endpoint', secretName: undefined };
    const endpoint = await lookAtEndpointVpc(client, ref, entry, patience);
    const plan = planAdd({
      endpoint,
      associated: await lookAtAssociated(plumbing, config!, section, vpc),
      subnets: await lookAtSubnets(client, subnetIds, patience),
      zones: await zonesOf(client, patience),
      ports: await portsOf(home.store),
      allProtocols,
      entry,
    });
    return finish(options, plumbing, config!, plan);
  });
}

export async function removeEndpointVpc(options: RemoveOptions): Promise<PlumbingPlan> {
  const { home, vpc } = options;
  return withPlumbing(options, async (plumbing) => {
    const config = await home.config();
    const section = sectionOf(config);
    const { accounts, patience } = plumbing;
    const entry = entryOf(section, vpc);
    const associated = await lookAtAssociated(plumbing, config!, section, vpc);
    const region = entry?.region ?? options.region ?? regionFromPeerings(associated, vpc);
    if (region === undefined) return finish(options, plumbing, config!, nothingLeft(vpc));
    const ref: VpcRef = { id: vpc, region, side: 'endpoint', secretName: undefined };
    await checkUnused(plumbing, config!, home.store, ref, patience);
    const client = await accounts.endpointPlumber(config!, region);
    const endpoint = await lookAtEndpointVpc(client, ref, entry, patience);
    const at = (section.endpointVPCInventory ?? []).findIndex(({ vpcID }) => vpcID === vpc);
    return finish(
      options,
      plumbing,
      config!,
      planRemove({ endpoint, associated, entry, index: at < 0 ? undefined : at }),
    );
  });
}

function nothingLeft(vpc: string): PlumbingPlan {
  return {
    steps: [],
    warnings: [`${vpc} is not in the inventory, and nothing peers it with an associated VPC`],
  };
}

async function finish(
  options: EndpointVpcOptions,
  { accounts, patience, ...plumbing }: Plumbing,
  config: HiveConfigSpec,
  plan: PlumbingPlan,
): Promise<PlumbingPlan> {
  options.hooks?.onPlan?.(plan);
  if (options.dryRun || plan.steps.length === 0) return plan;
  const { home } = options;
  const context: Omit<ActContext, 'patience'> = {
    home,
    endpoint: (region) => accounts.endpointPlumber(config, region),
    associated: ({ secretName, region }) => accounts.associatedPlumber(config, secretName, region),
    checkUnused: (ref, during) => checkUnused({ accounts, patience, ...plumbing }, config, home.store, ref, during),
  };
  await carryOut(plan, context, patience, options.hooks);
  return plan;
}

function entryOf(section: AwsPrivateLink, vpc: string): InventoryEntry | undefined {
  return (section.endpointVPCInventory ?? []).find(({ vpcID }) => vpcID === vpc);
}

async function lookAtAssociated(
  { accounts, patience }: Plumbing,
  config: HiveConfigSpec,
  section: AwsPrivateLink,
  endpointVpc: string,
): Promise<AssociatedView[]> {
  const views: AssociatedView[] = [];
  for (const { vpcId, region, secretName } of associatedVpcsOf(section)) {
    const ref: VpcRef = { id: vpcId, region, side: 'associated', secretName };
    const client = await accounts.associatedPlumber(config, secretName, region);
    views.push(await lookAtAssociatedVpc(client, ref, endpointVpc, patience));
  }
  return views;
}

/** An interrupted removal has taken the inventory's entry; the peering that is left still says where the VPC is. */
function regionFromPeerings(associated: readonly AssociatedView[], vpc: string): string | undefined {
  const peerings = associated.flatMap((view) => view.peerings);
  return peerings.find(({ accepterVpc, state }) => accepterVpc === vpc && state !== 'deleted')?.accepterRegion;
}

/** The API's ports of clusters, and what other services in the store listen on. */
export async function portsOf(store: Store): Promise<number[]> {
  const services = await store.list(privateLinkKind);
  return [...new Set([...clusterPorts, ...services.flatMap(({ spec }) => spec.ports ?? [])])].toSorted((a, b) => a - b);
}

async function checkUnused(
  { accounts }: Plumbing,
  config: HiveConfigSpec,
  store: Store,
  { id, region }: VpcRef,
  patience: Patience,
): Promise<void> {
  const client = await accounts.endpointPlumber(config, region);
  const endpoints = (await endpointsIn(client, id, patience)).filter(({ tags }) => ownerTag in tags);
  if (endpoints.length === 0) return;
  const owners = await ownersIn(store);
  const users = endpoints.map((endpoint) => {
    const owner = endpoint.tags[ownerTag] ?? '';
    return `${owners.get(owner) ?? `the owner ${owner}, which no object here has,`} (${endpoint.id}, ${endpoint.state})`;
  });
  throw new PosternError('IN_USE', `${id} is in use by ${list(users)}`, {
    hint: 'remove their private links first, or add another VPC in the region and have them made anew there',
  });
}
