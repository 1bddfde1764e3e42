import type { Resource } from '@postern/resources';
import type { ClusterDeploymentSpec, ClusterProvisionSpec } from '../kinds/cluster-deployment.ts';
import type { PrivateLinkSpec } from '../kinds/private-link.ts';
import { type LinkStatus, linkStatusOf } from '../kinds/status.ts';
import { finalizer, lastCleanupAnnotation, loadBalancerName, pauseAnnotation } from './names.ts';
import type { LoadBalancerRef } from './desired.ts';

/** What an object asks for at this moment, before anybody looks at AWS. Hive's order of questions. */

export type Gate =
  | { readonly kind: 'paused' }
  /** It asks for nothing, and nothing of ours is left of it. */
  | { readonly kind: 'none' }
  | { readonly kind: 'await-provision'; readonly message: string }
  | { readonly kind: 'link'; readonly ask: LinkAsk }
  | { readonly kind: 'clean-up'; readonly ask: CleanUpAsk; readonly because: 'deleted' | 'disabled' }
  /** preserveOnDelete: the finalizer goes, everything else stays. */
  | { readonly kind: 'let-go' }
  /** An earlier attempt to install left its link; it must go before the new one comes. */
  | { readonly kind: 'clean-up-previous'; readonly ask: CleanUpAsk };

export interface LinkAsk {
  readonly owner: string;
  readonly region: string;
  readonly loadBalancer: LoadBalancerRef;
  readonly additionalPrincipals: readonly string[];
  readonly userTags: Readonly<Record<string, string>>;
  readonly ports: readonly number[];
  readonly host: HostAsk;
}

/** Where the host name comes from. */
export type HostAsk =
  | { readonly kind: 'given'; readonly name: string }
  | { readonly kind: 'kubeconfig'; readonly secretName: string | undefined };

export interface CleanUpAsk {
  /** Undefined: nobody knows any more; only the ids in the status are left to go by. */
  readonly owner: string | undefined;
  readonly region: string;
  readonly host: HostAsk;
}

/** Where a cluster's API listens. */
const apiPorts = [6443];

export function gateOfCluster(
  cluster: Resource<ClusterDeploymentSpec, LinkStatus>,
  provision: Resource<ClusterProvisionSpec> | undefined,
): Gate {
  if (isPaused(cluster)) return { kind: 'paused' };
  const { spec, metadata } = cluster;
  const aws = spec.platform?.aws;
  const held = metadata.finalizers.includes(finalizer);
  const deleting = metadata.deletionTimestamp !== undefined;
  const enabled = aws?.privateLink?.enabled === true;
  if (deleting && !held) return { kind: 'none' };
  if (deleting || !enabled) {
    if (!held && !hasIds(cluster)) return { kind: 'none' };
    if (deleting && enabled && spec.preserveOnDelete === true) return { kind: 'let-go' };
    const ask = cleanUpAsk(cluster, provision);
    return ask === undefined
      ? { kind: 'let-go' }
      : { kind: 'clean-up', ask, because: deleting ? 'deleted' : 'disabled' };
  }
  const identity = identityOf(cluster, provision);
  if (identity.kind !== 'known') return identity;
  return {
    kind: 'link',
    ask: {
      owner: identity.infraId,
      region: aws.region,
      loadBalancer: { kind: 'name', name: loadBalancerName(identity.infraId) },
      additionalPrincipals: sortedSet(aws.privateLink?.additionalAllowedPrincipals ?? []),
      userTags: aws.userTags ?? {},
      ports: apiPorts,
      host: { kind: 'kubeconfig', secretName: identity.kubeconfig },
    },
  };
}

type Identity =
  | { readonly kind: 'known'; readonly infraId: string; readonly kubeconfig: string | undefined }
  | Extract<Gate, { kind: 'await-provision' | 'clean-up-previous' }>;

function identityOf(
  cluster: Resource<ClusterDeploymentSpec, LinkStatus>,
  provision: Resource<ClusterProvisionSpec> | undefined,
): Identity {
  const { clusterMetadata, installed } = cluster.spec;
  if (clusterMetadata && (installed === true || provision === undefined))
    return {
      kind: 'known',
      infraId: clusterMetadata.infraID,
      kubeconfig: clusterMetadata.adminKubeconfigSecretRef?.name,
    };
  if (provision === undefined) return { kind: 'await-provision', message: 'waiting for a provision to begin' };
  const { infraID, prevInfraID, adminKubeconfigSecretRef } = provision.spec;
  if (prevInfraID && prevInfraID !== infraID && cluster.metadata.annotations[lastCleanupAnnotation] !== prevInfraID)
    return {
      kind: 'clean-up-previous',
      ask: {
        owner: prevInfraID,
        region: cluster.spec.platform?.aws?.region ?? '',
        host: { kind: 'kubeconfig', secretName: clusterMetadata?.adminKubeconfigSecretRef?.name },
      },
    };
  if (!infraID || !adminKubeconfigSecretRef)
    return { kind: 'await-provision', message: 'waiting for the provision to name its infra id and its kubeconfig' };
  return { kind: 'known', infraId: infraID, kubeconfig: adminKubeconfigSecretRef.name };
}

/** Undefined when nothing can have been made: no infra id was ever known and the status names nothing. */
function cleanUpAsk(
  cluster: Resource<ClusterDeploymentSpec, LinkStatus>,
  provision: Resource<ClusterProvisionSpec> | undefined,
): CleanUpAsk | undefined {
  const { clusterMetadata, platform } = cluster.spec;
  const owner = clusterMetadata?.infraID ?? provision?.spec.infraID ?? undefined;
  if (owner === undefined && !hasIds(cluster)) return undefined;
  const secretName =
    clusterMetadata?.adminKubeconfigSecretRef?.name ?? provision?.spec.adminKubeconfigSecretRef?.name ?? undefined;
  return { owner, region: platform?.aws?.region ?? '', host: { kind: 'kubeconfig', secretName } };
}

export function gateOfPrivateLink(link: Resource<PrivateLinkSpec, LinkStatus>): Gate {
  if (isPaused(link)) return { kind: 'paused' };
  const { spec, metadata } = link;
  const owner = `privatelink/${metadata.namespace}/${metadata.name}`;
  const host: HostAsk = { kind: 'given', name: canonicalHost(spec.hostName) };
  if (metadata.deletionTimestamp !== undefined) {
    if (!metadata.finalizers.includes(finalizer)) return { kind: 'none' };
    if (spec.preserveOnDelete === true) return { kind: 'let-go' };
    return { kind: 'clean-up', ask: { owner, region: spec.region, host }, because: 'deleted' };
  }
  return {
    kind: 'link',
    ask: {
      owner,
      region: spec.region,
      loadBalancer: refOf(spec.serviceRef),
      additionalPrincipals: sortedSet(spec.principals ?? []),
      userTags: spec.userTags ?? {},
      ports: spec.ports ?? [443],
      host,
    },
  };
}

function refOf(ref: PrivateLinkSpec['serviceRef']): LoadBalancerRef {
  if (ref.arn !== undefined) return { kind: 'arn', arn: ref.arn };
  if (ref.tag !== undefined) return { kind: 'tag', ...ref.tag };
  return { kind: 'name', name: ref.name ?? '' };
}

function isPaused({ metadata: { annotations } }: Resource): boolean {
  return ['true', '1', 't'].includes((annotations[pauseAnnotation] ?? '').toLowerCase());
}

function hasIds(resource: Resource<unknown, LinkStatus>): boolean {
  const { vpcEndpointService, vpcEndpointID, hostedZoneID } = linkStatusOf(resource.status);
  return [vpcEndpointService?.id, vpcEndpointService?.name, vpcEndpointID, hostedZoneID].some((id) => id);
}

function sortedSet(list: readonly string[]): string[] {
  return [...new Set(list)].toSorted();
}

function canonicalHost(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
