import type { Store } from '@postern/resources';
import { hiveConfigKind, hiveConfigName, type HiveConfigSpec } from '../kinds/hive-config.ts';
import { linkStatusOf } from '../kinds/status.ts';
import { associatedVpcsOf, type DesiredLink, inventoryOf } from '../plan/desired.ts';
import type { CleanUpAsk, Gate, HostAsk, LinkAsk } from '../plan/gate.ts';
import { apiHost } from '../plan/kubeconfig.ts';
import { associationsAnnotation, epochAnnotation } from '../plan/names.ts';
import type { KnownIds } from '../plan/next-service.ts';
import type { Accounts } from './accounts.ts';
import type { LinkContext } from './context.ts';
import type { HubMemory } from './hub-memory.ts';
import type { Ledger } from './ledger.ts';
import { type LinkKind, type LinkResource } from './link-kinds.ts';
import { probeFrom } from './probe.ts';
import type { SharedLooks } from './shared-looks.ts';

/** From an object in the store to all that a pass needs; the same for a real pass and for `plan`. */

export interface PassWorld {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly ledger: Ledger;
  readonly memory: HubMemory;
  readonly shared: SharedLooks;
}

export interface Prepared {
  readonly gate: Gate;
  readonly config: HiveConfigSpec | undefined;
}

export async function prepare(store: Store, link: LinkKind, resource: LinkResource): Promise<Prepared> {
  const gate = await link.gate(store, resource);
  const forCleanUp = gate.kind === 'clean-up' || gate.kind === 'clean-up-previous';
  const config = await store.get(hiveConfigKind, { namespace: '', name: hiveConfigName }, { forCleanUp });
  return { gate, config: config?.spec };
}

export async function desiredLink(
  store: Store,
  resource: LinkResource,
  config: HiveConfigSpec | undefined,
  ask: LinkAsk,
): Promise<DesiredLink> {
  const awsPrivateLink = config?.awsPrivateLink;
  const host = await hostOf(store, resource.metadata.namespace, ask.host, false);
  return {
    owner: ask.owner,
    region: ask.region,
    hostName: host.name,
    hostProblem: host.problem,
    loadBalancer: ask.loadBalancer,
    additionalPrincipals: ask.additionalPrincipals,
    inventory: awsPrivateLink ? inventoryOf(awsPrivateLink, ask.region) : [],
    associatedVpcs: awsPrivateLink ? associatedVpcsOf(awsPrivateLink) : [],
    formerAssociations: formerAssociations(resource),
    recordType: awsPrivateLink?.dnsRecordType ?? 'Alias',
    userTags: { ...awsPrivateLink?.userTags, ...ask.userTags },
    probe:
      awsPrivateLink?.probe === undefined
        ? undefined
        : { vantagePoint: awsPrivateLink.probe.vantagePoint, ports: awsPrivateLink.probe.ports ?? ask.ports },
  };
}

/** What is left to say about a link that is being removed. */
export async function desiredForCleanUp(
  store: Store,
  resource: LinkResource,
  config: HiveConfigSpec | undefined,
  ask: CleanUpAsk,
): Promise<DesiredLink> {
  const host = await hostOf(store, resource.metadata.namespace, ask.host, true);
  return {
    owner: ask.owner ?? '',
    region: ask.region,
    hostName: host.name,
    hostProblem: undefined,
    loadBalancer: { kind: 'name', name: '' },
    additionalPrincipals: [],
    inventory: config?.awsPrivateLink ? inventoryOf(config.awsPrivateLink, ask.region) : [],
    associatedVpcs: [],
    formerAssociations: {},
    recordType: 'Alias',
    userTags: {},
    probe: undefined,
  };
}

export function contextFor(
  world: PassWorld,
  link: LinkKind,
  resource: LinkResource,
  config: HiveConfigSpec | undefined,
  desired: DesiredLink,
  options: { readonly forCleanUp: boolean; readonly signal: AbortSignal },
): LinkContext {
  const { accounts, store } = world;
  const { forCleanUp, signal } = options;
  return {
    desired,
    known: knownIds(resource),
    customer: () => accounts.customer(link.credentials(resource), config, desired.region, forCleanUp, signal),
    hub: async () => (await accounts.hub(config, desired.region, forCleanUp)).client,
    hubName: async () => (await accounts.hub(config, desired.region, forCleanUp)).who,
    association: (secretName, region) => accounts.association(config, secretName, region, true),
    ledger: world.ledger,
    memory: world.memory,
    probe: (host, probe, probeSignal) => probeFrom(store, host, probe, probeSignal),
    epoch: epochOf(resource),
    tokenSeed: `${resource.metadata.uid} ${epochOf(resource)}`,
    signal,
  };
}

export function knownIds({ status }: LinkResource): KnownIds {
  const link = linkStatusOf(status);
  return {
    serviceId: link.vpcEndpointService?.id,
    endpointId: link.vpcEndpointID,
    zoneId: link.hostedZoneID,
  };
}

export function epochOf({ metadata: { annotations } }: LinkResource): number {
  return Number(annotations[epochAnnotation] ?? 0) || 0;
}

export function formerAssociations({ metadata: { annotations } }: LinkResource): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(annotations[associationsAnnotation] ?? '{}');
    const entries = Object.entries(typeof value === 'object' && value !== null ? value : {});
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return {}; // somebody edited it; the hub's own credentials are tried instead
  }
}

async function hostOf(
  store: Store,
  namespace: string,
  ask: HostAsk,
  forCleanUp: boolean,
): Promise<{ readonly name: string; readonly problem: string | undefined }> {
  if (ask.kind === 'given') return { name: ask.name, problem: undefined };
  const problem = (text: string) => ({ name: '', problem: text });
  if (ask.secretName === undefined)
    return problem('spec.clusterMetadata.adminKubeconfigSecretRef names no Secret, so the API host is not known');
  const secret = await store.secret({ namespace, name: ask.secretName }, { forCleanUp });
  const where = `the kubeconfig Secret ${namespace}/${ask.secretName}`;
  if (secret === undefined) return problem(`${where} does not exist`);
  const host = apiHost({ get: (key) => secret.values.get(key)?.reveal() });
  return host.kind === 'host' ? { name: host.name, problem: undefined } : problem(`${where} ${host.reason}`);
}
