/** What IAM keeps: roles, users, their keys, policies, OIDC providers, and the sessions STS makes. */
import { Kind, type Stored } from '../world/kind.ts';

interface Holder extends Stored {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly uniqueId: string;
  /** Inline policies by name, managed ones by ARN. */
  inline: Record<string, string>;
  attached: string[];
}

export interface Role extends Holder {
  trust: string;
  description?: string;
  maxSessionSeconds: number;
  boundary?: string;
}

export interface User extends Holder {
  boundary?: string;
}

export interface AccessKey extends Stored {
  readonly user: string;
  readonly secret: string;
  state: 'Active' | 'Inactive';
}

export interface Policy extends Stored {
  readonly name: string;
  readonly path: string;
  readonly policyId: string;
  readonly description?: string;
  /** The default version is the last of the list that carries its id. */
  versions: { id: string; document: string; createdAtMs: number }[];
  defaultVersion: string;
  made: number;
}

export interface OidcProvider extends Stored {
  readonly url: string;
  clientIds: string[];
  thumbprints: string[];
}

export interface Session extends Stored {
  readonly token: string;
  readonly secret: string;
  readonly expiresAtMs: number;
  readonly roleArn: string;
  readonly role: string;
  readonly sessionName: string;
  readonly roleUniqueId: string;
  readonly policies: readonly string[];
}

export interface InstanceProfile extends Stored {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly uniqueId: string;
  roles: string[];
}

/** Ids are ACCOUNT/NAME, so that any account's are found. */
export const roles = new Kind<Role>('iam-role');
export const users = new Kind<User>('iam-user');
export const instanceProfiles = new Kind<InstanceProfile>('iam-instance-profile');
export const accessKeys = new Kind<AccessKey>('iam-access-key');
/** Ids are ARNs. */
export const policies = new Kind<Policy>('iam-policy');
export const oidcProviders = new Kind<OidcProvider>('iam-oidc-provider');
export const sessions = new Kind<Session>('sts-session');
