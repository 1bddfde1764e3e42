import { anyKind, type ResourceKind, secretKind } from '@postern/resources';
import { clusterDeploymentKind, clusterProvisionKind } from './cluster-deployment.ts';
import { hiveConfigKind } from './hive-config.ts';
import { privateLinkKind, vantagePointKind } from './private-link.ts';

/** Every kind that the PrivateLink controller works with. */
export const privateLinkKinds: readonly ResourceKind[] = [
  anyKind(hiveConfigKind),
  anyKind(clusterDeploymentKind),
  anyKind(clusterProvisionKind),
  anyKind(privateLinkKind),
  anyKind(vantagePointKind),
  anyKind(secretKind),
];

export * from './cluster-deployment.ts';
export * from './hive-config.ts';
export * from './private-link.ts';
export * from './status.ts';
