/** What EKS keeps. There is no Kubernetes behind it. Ids are ARNs. */
import type * as sdk from '@aws-sdk/client-eks';
import { AwsError } from '../error.ts';
import type { Call } from '../world/call.ts';
import { Kind, type Stored } from '../world/kind.ts';

export interface Cluster extends Stored {
  readonly name: string;
  version: string;
  readonly roleArn: string;
  readonly oidcId: string;
  network: {
    subnets: string[];
    groups: string[];
    vpc: string;
    clusterGroup: string;
    publicAccess: boolean;
    privateAccess: boolean;
    cidrs: string[];
  };
  readonly serviceCidr: string;
  logging: sdk.LogType[];
  readonly encryption: sdk.EncryptionConfig[];
  authentication: sdk.AuthenticationMode;
  readonly creatorAdmin: boolean;
  supportType: sdk.SupportType;
  deletionProtection: boolean;
}

export interface Nodegroup extends Stored {
  readonly cluster: string;
  readonly name: string;
  /** The request, as it was and as it was changed. */
  settings: sdk.CreateNodegroupRequest;
  version: string;
  readonly hash: string;
}

export interface Addon extends Stored {
  readonly cluster: string;
  readonly name: string;
  version: string;
  roleArn?: string;
  values?: string;
  /** Ids of the pod identity associations that came with it. */
  identities: string[];
}

export interface AccessEntry extends Stored {
  readonly cluster: string;
  readonly principal: string;
  groups: string[];
  username: string;
  readonly type: string;
  policies: { arn: string; scope: sdk.AccessScope; atMs: number }[];
}

export interface PodIdentity extends Stored {
  readonly cluster: string;
  readonly association: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  roleArn: string;
}

export const clusters = new Kind<Cluster>('eks-cluster');
export const nodegroups = new Kind<Nodegroup>('eks-nodegroup');
export const addons = new Kind<Addon>('eks-addon');
export const accessEntries = new Kind<AccessEntry>('eks-access-entry');
export const podIdentities = new Kind<PodIdentity>('eks-pod-identity');

export function needCluster(call: Call, name: string | undefined): Cluster {
  const cluster = clusters.mine(call, call.arn('eks', `cluster/${name ?? ''}`));
  if (cluster === undefined) throw notFound(`No cluster found for name: ${name ?? ''}.`);
  return cluster;
}

export function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message, 404);
}

export function inUse(message: string): AwsError {
  return new AwsError('ResourceInUseException', message, 409);
}

export const emptyIssues = { issues: [] };

/** An update that is done: changes here take effect at once. */
export function update(call: Call, type: sdk.UpdateType): sdk.Update {
  return { id: call.requestId, status: 'Successful', type, params: [], createdAt: new Date(call.now), errors: [] };
}
