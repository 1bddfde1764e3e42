/** OIDC providers, instance profiles, and the account's alias. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html */
import type * as sdk from '@aws-sdk/client-iam';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { global, noSuch, tagMap, tagsOut, uniqueId } from './common.ts';
import { instanceProfiles, oidcProviders, roles } from './records.ts';
import { needRole, show as showRole } from './role.ts';

export const providerOperations: Operations<typeof sdk> = {
  CreateOpenIDConnectProvider(call, input) {
    const url = (input.Url ?? '').replace(/\/$/, '');
    if (!/^https:\/\/[^\s?#]+$/.test(url)) throw new AwsError('InvalidInput', 'Invalid Open ID Connect Provider URL');
    const host = url.replace('https://', '');
    const arn = `arn:${call.partition}:iam::${call.account}:oidc-provider/${host}`;
    if (oidcProviders.get(call.world, arn) !== undefined)
      throw new AwsError('EntityAlreadyExists', `Provider with url ${url} already exists.`, 409);
    if ((input.ThumbprintList ?? []).some((print) => !/^[0-9a-f]{40}$/i.test(print)))
      throw new AwsError('ValidationError', 'A thumbprint has 40 hexadecimal digits');
    oidcProviders.put(call.world, {
      ...global(call, arn, tagMap(input.Tags)),
      url: host,
      clientIds: input.ClientIDList ?? [],
      // Without one, IAM takes the thumbprint of the issuer's CA: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
      thumbprints: input.ThumbprintList ?? ['9e99a48a9960b14926bb7f3b02e22da2b0ab7280'],
    });
    return { OpenIDConnectProviderArn: arn, Tags: input.Tags };
  },

  GetOpenIDConnectProvider(call, input) {
    const one = needProvider(call, input.OpenIDConnectProviderArn);
    return {
      Url: one.url,
      ClientIDList: one.clientIds,
      ThumbprintList: one.thumbprints,
      CreateDate: new Date(one.createdAtMs),
      Tags: tagsOut(one.tags),
    };
  },

  ListOpenIDConnectProviders: (call) => ({
    OpenIDConnectProviderList: oidcProviders.list(call).map(({ id }) => ({ Arn: id })),
  }),

  UpdateOpenIDConnectProviderThumbprint(call, input) {
    needProvider(call, input.OpenIDConnectProviderArn).thumbprints = input.ThumbprintList ?? [];
    return {};
  },
  AddClientIDToOpenIDConnectProvider(call, input) {
    const one = needProvider(call, input.OpenIDConnectProviderArn);
    one.clientIds = [...new Set([...one.clientIds, input.ClientID ?? ''])];
    return {};
  },
  RemoveClientIDFromOpenIDConnectProvider(call, input) {
    const one = needProvider(call, input.OpenIDConnectProviderArn);
    one.clientIds = one.clientIds.filter((id) => id !== input.ClientID);
    return {};
  },
  TagOpenIDConnectProvider(call, input) {
    Object.assign(needProvider(call, input.OpenIDConnectProviderArn).tags, tagMap(input.Tags));
    return {};
  },
  UntagOpenIDConnectProvider(call, input) {
    for (const key of input.TagKeys ?? []) delete needProvider(call, input.OpenIDConnectProviderArn).tags[key];
    return {};
  },
  DeleteOpenIDConnectProvider(call, input) {
    oidcProviders.remove(call.world, needProvider(call, input.OpenIDConnectProviderArn).id);
    return {};
  },

  CreateInstanceProfile(call, input) {
    const name = input.InstanceProfileName ?? '';
    const path = input.Path ?? '/';
    const one = instanceProfiles.put(call.world, {
      ...global(call, `${call.account}/${name}`, tagMap(input.Tags)),
      name,
      path,
      arn: `arn:${call.partition}:iam::${call.account}:instance-profile${path}${name}`,
      uniqueId: uniqueId(call, 'AIPA'),
      roles: [],
    });
    return { InstanceProfile: showProfile(call, one.id) };
  },
  GetInstanceProfile: (call, input) => ({
    InstanceProfile: showProfile(call, `${call.account}/${input.InstanceProfileName ?? ''}`),
  }),
  AddRoleToInstanceProfile(call, input) {
    needProfile(call, `${call.account}/${input.InstanceProfileName ?? ''}`).roles = [
      needRole(call, input.RoleName).name,
    ];
    return {};
  },
  RemoveRoleFromInstanceProfile(call, input) {
    const one = needProfile(call, `${call.account}/${input.InstanceProfileName ?? ''}`);
    one.roles = one.roles.filter((name) => name !== input.RoleName);
    return {};
  },
  DeleteInstanceProfile(call, input) {
    instanceProfiles.remove(call.world, needProfile(call, `${call.account}/${input.InstanceProfileName ?? ''}`).id);
    return {};
  },

  ListAccountAliases: () => ({ AccountAliases: [], IsTruncated: false }),
  CreateServiceLinkedRole: (call, input) => {
    const service = (input.AWSServiceName ?? '').split('.')[0] ?? '';
    const name = `AWSServiceRoleFor${service}`;
    const id = `${call.account}/${name}`;
    const trust = JSON.stringify({
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: input.AWSServiceName } }],
    });
    const path = `/aws-service-role/${input.AWSServiceName ?? ''}/`;
    const role =
      roles.get(call.world, id) ??
      roles.put(call.world, {
        ...global(call, id),
        name,
        path,
        arn: `arn:${call.partition}:iam::${call.account}:role${path}${name}`,
        uniqueId: uniqueId(call, 'AROA'),
        inline: {},
        attached: [],
        trust,
        maxSessionSeconds: 3600,
      });
    return { Role: showRole(role) };
  },
};

function needProvider(call: Call, arn: string | undefined) {
  const one = oidcProviders.mine(call, arn);
  if (one === undefined) throw noSuch(`OpenIDConnect Provider not found for arn ${arn ?? ''}`);
  return one;
}

function needProfile(call: Call, id: string) {
  const one = instanceProfiles.mine(call, id);
  if (one === undefined) throw noSuch(`Instance Profile ${id.split('/')[1] ?? ''} cannot be found.`);
  return one;
}

function showProfile(call: Call, id: string): sdk.InstanceProfile {
  const one = needProfile(call, id);
  const held = one.roles.flatMap((name) => roles.get(call.world, `${call.account}/${name}`) ?? []);
  return {
    InstanceProfileName: one.name,
    InstanceProfileId: one.uniqueId,
    Arn: one.arn,
    Path: one.path,
    CreateDate: new Date(one.createdAtMs),
    Roles: held.map(showRole),
    Tags: tagsOut(one.tags),
  };
}
