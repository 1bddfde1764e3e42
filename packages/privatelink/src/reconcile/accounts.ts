import { createHash } from 'node:crypto';
import { type Clock, Secret } from '@postern/core';
import type { SecretData, Store } from '@postern/resources';
import type { NameRef } from '../kinds/fields.ts';
import { type HiveConfigSpec, targetNamespace } from '../kinds/hive-config.ts';
import {
  type AssociationClient,
  associatedPlumbingCalls,
  type AssociatedPlumber,
  associationCalls,
  baseCalls,
  type CustomerClient,
  customerCalls,
  endpointPlumbingCalls,
  type EndpointPlumber,
  type HubClient,
  hubCalls,
} from '../providers/aws/calls.ts';
import type { AwsClients, AwsKeys } from '../providers/aws/clients.ts';
import { CredentialsError, keysFromSecret } from '../providers/aws/credentials.ts';

/** Whose credentials a call is made with: found in Secrets, each problem named by the field that leads to it. */

export interface CustomerCredentials {
  readonly namespace: string;
  /** The path of the field, for messages. */
  readonly field: string;
  readonly secretRef: NameRef | undefined;
  readonly assumeRole: { readonly roleARN: string; readonly externalID?: string | undefined } | undefined;
}

/** The hub's client, and a name for its credentials that changes with them. */
export interface NamedHub {
  readonly client: HubClient;
  readonly who: string;
}

/** An assumed role is renewed this long before it ends. */
const renewBeforeMs = 5 * 60_000;
const sessionName = 'postern-privatelink';
/** EC2's region is the cluster's; Route 53 and STS answer everywhere, and need some region to sign for. */
const regionDefault = 'us-east-1';

export class Accounts {
  readonly #clients: AwsClients;
  readonly #store: Pick<Store, 'secret'>;
  readonly #clock: Clock;
  readonly #assumed = new Map<string, AwsKeys>();

  constructor(clients: AwsClients, store: Pick<Store, 'secret'>, clock: Clock) {
    this.#clients = clients;
    this.#store = store;
    this.#clock = clock;
  }

  async hub(config: HiveConfigSpec | undefined, region: string, forCleanUp: boolean): Promise<NamedHub> {
    const keys = await this.#hubKeys(config, forCleanUp);
    return { client: this.#clients.for(hubCalls, who(keys), region || regionDefault, keys), who: who(keys) };
  }

  async #hubKeys(config: HiveConfigSpec | undefined, forCleanUp: boolean): Promise<AwsKeys> {
    const ref = config?.awsPrivateLink?.credentialsSecretRef;
    if (ref === undefined)
      throw new CredentialsError(
        'HiveConfig has no spec.awsPrivateLink, so the credentials of the hub account are not known; put it back until the link is removed',
      );
    return this.#fromSecret(
      'HiveConfig spec.awsPrivateLink.credentialsSecretRef',
      { namespace: targetNamespace(config), name: ref.name },
      forCleanUp,
    );
  }

  #associationKeys(config: HiveConfigSpec | undefined, name: string, forCleanUp: boolean): Promise<AwsKeys> {
    return this.#fromSecret(
      'HiveConfig spec.awsPrivateLink.associatedVPCs[].credentialsSecretRef',
      { namespace: targetNamespace(config), name },
      forCleanUp,
    );
  }

  /** For the VPCs of the inventory. */
  async endpointPlumber(config: HiveConfigSpec, region: string): Promise<EndpointPlumber> {
    const keys = await this.#hubKeys(config, false);
    return this.#clients.for(endpointPlumbingCalls, who(keys), region, keys);
  }

  /** For an associated VPC. @param secretName undefined: the hub's account owns it */
  async associatedPlumber(
    config: HiveConfigSpec,
    secretName: string | undefined,
    region: string,
  ): Promise<AssociatedPlumber> {
    const keys =
      secretName === undefined
        ? await this.#hubKeys(config, false)
        : await this.#associationKeys(config, secretName, false);
    return this.#clients.for(associatedPlumbingCalls, who(keys), region, keys);
  }

  async association(
    config: HiveConfigSpec | undefined,
    secretName: string,
    region: string,
    forCleanUp: boolean,
  ): Promise<AssociationClient> {
    const keys = await this.#associationKeys(config, secretName, forCleanUp);
    return this.#clients.for(associationCalls, who(keys), region || regionDefault, keys);
  }

  async customer(
    credentials: CustomerCredentials,
    config: HiveConfigSpec | undefined,
    region: string,
    forCleanUp: boolean,
    signal: AbortSignal,
  ): Promise<CustomerClient> {
    const { namespace, field, secretRef, assumeRole } = credentials;
    if (secretRef !== undefined) {
      const keys = await this.#fromSecret(field, { namespace, name: secretRef.name }, forCleanUp);
      return this.#clients.for(customerCalls, who(keys), region, keys);
    }
    if (assumeRole === undefined) return this.#clients.for(customerCalls, 'ambient', region, undefined);
    const base = config?.serviceProviderCredentialsConfig?.aws?.credentialsSecretRef;
    const baseKeys =
      base === undefined || base === null
        ? undefined
        : await this.#fromSecret(
            'HiveConfig spec.serviceProviderCredentialsConfig.aws.credentialsSecretRef',
            { namespace: targetNamespace(config), name: base.name },
            forCleanUp,
          );
    const keys = await this.#assume(assumeRole, baseKeys, region, signal);
    return this.#clients.for(customerCalls, `role ${assumeRole.roleARN}`, region, keys);
  }

  async #assume(
    role: { readonly roleARN: string; readonly externalID?: string | undefined },
    base: AwsKeys | undefined,
    region: string,
    signal: AbortSignal,
  ): Promise<AwsKeys> {
    const id = `${who(base)} ${role.roleARN} ${role.externalID ?? ''}`;
    const known = this.#assumed.get(id);
    if (known !== undefined && (known.expiresAtMs ?? 0) - renewBeforeMs > this.#clock.now()) return known;
    const client = this.#clients.for(baseCalls, who(base), region, base);
    const { Credentials } = await client.assumeRole(
      {
        RoleArn: role.roleARN,
        RoleSessionName: sessionName,
        ...(role.externalID === undefined ? {} : { ExternalId: role.externalID }),
      },
      signal,
    );
    if (Credentials?.AccessKeyId === undefined || Credentials.SecretAccessKey === undefined)
      throw new CredentialsError(`assuming ${role.roleARN} gave no credentials`);
    const keys: AwsKeys = {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: new Secret(Credentials.SecretAccessKey),
      ...(Credentials.SessionToken === undefined ? {} : { sessionToken: new Secret(Credentials.SessionToken) }),
      expiresAtMs: Credentials.Expiration?.getTime() ?? this.#clock.now() + 60 * 60_000,
    };
    this.#assumed.set(id, keys);
    return keys;
  }

  async #fromSecret(
    field: string,
    place: { readonly namespace: string; readonly name: string },
    forCleanUp: boolean,
  ): Promise<AwsKeys> {
    const secret = await this.#store.secret(place, { forCleanUp });
    if (secret === undefined)
      throw new CredentialsError(`${field}: the Secret ${place.namespace}/${place.name} does not exist`);
    return named(field, secret);
  }
}

function named(field: string, secret: SecretData): AwsKeys {
  try {
    return keysFromSecret(secret);
  } catch (error) {
    if (error instanceof CredentialsError) throw new CredentialsError(`${field}: ${error.message}`);
    throw error;
  }
}

/** A name for the credentials that gives none of them away; a changed secret key is another name, hence another client. */
function who(keys: AwsKeys | undefined): string {
  if (keys === undefined) return 'ambient';
  const digest = createHash('sha256').update(keys.secretAccessKey.reveal()).digest('hex').slice(0, 8);
  return `key ${keys.accessKeyId} ${digest}`;
}
