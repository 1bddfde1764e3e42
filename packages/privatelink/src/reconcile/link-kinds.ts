import type { ObjectKey, Resource, ResourceKind, Store } from '@postern/resources';
import {
  clusterDeploymentKind,
  type ClusterDeploymentSpec,
  clusterProvisionKind,
} from '../kinds/cluster-deployment.ts';
import type { ClusterProvisionSpec } from '../kinds/cluster-deployment.ts';
import { privateLinkKind, type PrivateLinkSpec } from '../kinds/private-link.ts';
import type { LinkStatus } from '../kinds/status.ts';
import { type Gate, gateOfCluster, gateOfPrivateLink } from '../plan/gate.ts';
import type { CustomerCredentials } from './accounts.ts';

/** The two kinds that ask for a link, behind one face. */

export type LinkResource = Resource<unknown, LinkStatus>;

export interface LinkKind {
  readonly kind: ResourceKind<unknown, LinkStatus>;
  gate(store: Store, resource: LinkResource): Promise<Gate>;
  credentials(resource: LinkResource): CustomerCredentials;
}

const cluster: LinkKind = {
  kind: clusterDeploymentKind as unknown as ResourceKind<unknown, LinkStatus>,
  async gate(store, resource) {
    const typed = resource as Resource<ClusterDeploymentSpec, LinkStatus>;
    return gateOfCluster(typed, await provisionOf(store, typed));
  },
  credentials({ spec, metadata: { namespace } }) {
    const aws = (spec as ClusterDeploymentSpec).platform?.aws;
    return {
      namespace,
      field: 'spec.platform.aws.credentialsSecretRef',
      secretRef: aws?.credentialsSecretRef ?? undefined,
      assumeRole: aws?.credentialsAssumeRole ?? undefined,
    };
  },
};

const service: LinkKind = {
  kind: privateLinkKind as unknown as ResourceKind<unknown, LinkStatus>,
  gate: async (_store, resource) => gateOfPrivateLink(resource as Resource<PrivateLinkSpec, LinkStatus>),
  credentials({ spec, metadata: { namespace } }) {
    const { secretRef, assumeRole } = (spec as PrivateLinkSpec).credentials;
    return { namespace, field: 'spec.credentials.secretRef', secretRef, assumeRole };
  },
};

export const linkKinds: readonly LinkKind[] = [cluster, service];

export function linkKindOf({ kind }: Pick<ObjectKey, 'kind'>): LinkKind | undefined {
  return linkKinds.find((link) => link.kind.kind === kind);
}

/** The attempt that the status names; where nobody writes a status (a folder of files), the latest that names the cluster. */
async function provisionOf(
  store: Store,
  { metadata: { namespace, name }, status }: Resource<ClusterDeploymentSpec, LinkStatus>,
): Promise<Resource<ClusterProvisionSpec> | undefined> {
  const named = status?.provisionRef?.name;
  if (named !== undefined) {
    const provision = await store.get(clusterProvisionKind, { namespace, name: named }, { forCleanUp: true });
    if (provision !== undefined) return provision;
  }
  const all = await store.list(clusterProvisionKind);
  return all
    .filter(({ metadata, spec }) => metadata.namespace === namespace && spec.clusterDeploymentRef?.name === name)
    .toSorted((a, b) => (b.spec.attempt ?? 0) - (a.spec.attempt ?? 0))[0];
}

/** Every object that may ask for a link. */
export async function linkResources(store: Store): Promise<LinkResource[]> {
  const lists = await Promise.all(linkKinds.map(({ kind }) => store.list(kind)));
  return lists.flat();
}
