/** IAM roles and their policies. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html */
import type * as sdk from '@aws-sdk/client-iam';
import { parsePolicy } from '../access/policy.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { global, iamPage, noSuch, tagMap, tagsOut, uniqueId } from './common.ts';
import { attach, detach, type HolderOf, inlineOf } from './holder.ts';
import { instanceProfiles, type Role, roles } from './records.ts';

export const roleOperations: Operations<typeof sdk> = {
  CreateRole(call, input) {
    const name = input.RoleName ?? '';
    const id = `${call.account}/${name}`;
    if (!/^[\w+=,.@-]{1,64}$/.test(name)) throw new AwsError('ValidationError', `'${name}' is not a role name`);
    if (roles.get(call.world, id) !== undefined)
      throw new AwsError('EntityAlreadyExists', `Role with name ${name} already exists.`, 409);
    parsePolicy(input.AssumeRolePolicyDocument ?? '');
    const path = input.Path ?? '/';
    const role = roles.put(call.world, {
      ...global(call, id, tagMap(input.Tags)),
      name,
      path,
      arn: `arn:${call.partition}:iam::${call.account}:role${path}${name}`,
      uniqueId: uniqueId(call, 'AROA'),
      inline: {},
      attached: [],
      trust: input.AssumeRolePolicyDocument ?? '',
      ...(input.Description === undefined ? {} : { description: input.Description }),
      maxSessionSeconds: input.MaxSessionDuration ?? 3600,
      ...(input.PermissionsBoundary === undefined ? {} : { boundary: input.PermissionsBoundary }),
    });
    return { Role: show(role) };
  },

  GetRole: (call, input) => ({ Role: show(needRole(call, input.RoleName)) }),

  ListRoles(call, input) {
    const found = roles.list(call).filter(({ path }) => path.startsWith(input.PathPrefix ?? '/'));
    const { items, ...rest } = iamPage(call, found, ({ id }) => id, input);
    return { Roles: items.map(show), ...rest };
  },

  UpdateRole(call, input) {
    const role = needRole(call, input.RoleName);
    role.maxSessionSeconds = input.MaxSessionDuration ?? role.maxSessionSeconds;
    if (input.Description !== undefined) role.description = input.Description;
    return {};
  },

  UpdateRoleDescription(call, input) {
    const role = needRole(call, input.RoleName);
    role.description = input.Description ?? '';
    return { Role: show(role) };
  },

  UpdateAssumeRolePolicy(call, input) {
    const role = needRole(call, input.RoleName);
    parsePolicy(input.PolicyDocument ?? '');
    role.trust = input.PolicyDocument ?? '';
    return {};
  },

  DeleteRole(call, input) {
    const role = needRole(call, input.RoleName);
    const profile = instanceProfiles
      .all(call.world)
      .some((one) => one.account === role.account && one.roles.includes(role.name));
    // https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html#API_DeleteRole_Errors
    if (role.attached.length > 0)
      throw new AwsError('DeleteConflict', 'Cannot delete entity, must detach all policies first.', 409);
    if (Object.keys(role.inline).length > 0)
      throw new AwsError('DeleteConflict', 'Cannot delete entity, must delete policies first.', 409);
    if (profile)
      throw new AwsError('DeleteConflict', 'Cannot delete entity, must remove roles from instance profile first.', 409);
    roles.remove(call.world, role.id);
    return {};
  },

  PutRolePolicy: (call, input) => inlineOf(needRole(call, input.RoleName)).put(input.PolicyName, input.PolicyDocument),
  DeleteRolePolicy: (call, input) => inlineOf(needRole(call, input.RoleName)).remove(input.PolicyName),
  GetRolePolicy: (call, input) => ({
    RoleName: input.RoleName,
    PolicyName: input.PolicyName,
    PolicyDocument: inlineOf(needRole(call, input.RoleName)).get(input.PolicyName),
  }),
  ListRolePolicies(call, input) {
    const { items, ...rest } = iamPage(call, Object.keys(needRole(call, input.RoleName).inline), (name) => name, input);
    return { PolicyNames: items, ...rest };
  },
  AttachRolePolicy: (call, input) => attach(call, needRole(call, input.RoleName), input.PolicyArn),
  DetachRolePolicy: (call, input) => detach(needRole(call, input.RoleName), input.PolicyArn),
  ListAttachedRolePolicies(call, input) {
    const { items, ...rest } = iamPage(call, needRole(call, input.RoleName).attached, (arn) => arn, input);
    return { AttachedPolicies: items.map((arn) => ({ PolicyArn: arn, PolicyName: arn.split('/').at(-1) })), ...rest };
  },
  PutRolePermissionsBoundary(call, input) {
    needRole(call, input.RoleName).boundary = input.PermissionsBoundary ?? '';
    return {};
  },
  DeleteRolePermissionsBoundary(call, input) {
    delete needRole(call, input.RoleName).boundary;
    return {};
  },
  TagRole(call, input) {
    Object.assign(needRole(call, input.RoleName).tags, tagMap(input.Tags));
    return {};
  },
  UntagRole(call, input) {
    for (const key of input.TagKeys ?? []) delete needRole(call, input.RoleName).tags[key];
    return {};
  },
  ListRoleTags: (call, input) => ({ Tags: tagsOut(needRole(call, input.RoleName).tags), IsTruncated: false }),
  ListInstanceProfilesForRole(call, input) {
    const role = needRole(call, input.RoleName);
    const found = instanceProfiles.list(call).filter((one) => one.roles.includes(role.name));
    return {
      IsTruncated: false,
      InstanceProfiles: found.map((one) => ({
        InstanceProfileName: one.name,
        InstanceProfileId: one.uniqueId,
        Arn: one.arn,
        Path: one.path,
        CreateDate: new Date(one.createdAtMs),
        Roles: [show(role)],
      })),
    };
  },
};

export function needRole(call: Call, name: string | undefined): Role & HolderOf {
  const role = roles.mine(call, `${call.account}/${name ?? ''}`);
  if (role === undefined) throw noSuch(`The role with name ${name ?? ''} cannot be found.`);
  return role;
}

export function show(role: Role): sdk.Role {
  return {
    RoleName: role.name,
    RoleId: role.uniqueId,
    Arn: role.arn,
    Path: role.path,
    CreateDate: new Date(role.createdAtMs),
    // Documents travel percent-encoded: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html
    AssumeRolePolicyDocument: encodeURIComponent(role.trust),
    MaxSessionDuration: role.maxSessionSeconds,
    ...(role.description === undefined ? {} : { Description: role.description }),
    ...(role.boundary === undefined
      ? {}
      : {
          PermissionsBoundary: {
            PermissionsBoundaryArn: role.boundary,
            PermissionsBoundaryType: 'PermissionsBoundaryPolicy' as const,
          },
        }),
    Tags: tagsOut(role.tags),
    RoleLastUsed: {},
  };
}
