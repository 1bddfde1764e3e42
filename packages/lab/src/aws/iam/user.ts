/** IAM users and their keys. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html */
import type * as sdk from '@aws-sdk/client-iam';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { global, iamPage, noSuch, tagMap, tagsOut, uniqueId } from './common.ts';
import { attach, detach, inlineOf } from './holder.ts';
import { accessKeys, type User, users } from './records.ts';

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const keysPerUserMax = 2;

export const userOperations: Operations<typeof sdk> = {
  CreateUser(call, input) {
    const name = input.UserName ?? '';
    const id = `${call.account}/${name}`;
    if (users.get(call.world, id) !== undefined)
      throw new AwsError('EntityAlreadyExists', `User with name ${name} already exists.`, 409);
    const path = input.Path ?? '/';
    const user = users.put(call.world, {
      ...global(call, id, tagMap(input.Tags)),
      name,
      path,
      arn: `arn:${call.partition}:iam::${call.account}:user${path}${name}`,
      uniqueId: uniqueId(call, 'AIDA'),
      inline: {},
      attached: [],
      ...(input.PermissionsBoundary === undefined ? {} : { boundary: input.PermissionsBoundary }),
    });
    return { User: show(user) };
  },

  GetUser(call, input) {
    const own = call.principal.kind === 'user' ? call.principal.name : undefined;
    return { User: show(needUser(call, input.UserName ?? own)) };
  },

  ListUsers(call, input) {
    const { items, ...rest } = iamPage(call, users.list(call), ({ id }) => id, input);
    return { Users: items.map(show), ...rest };
  },

  DeleteUser(call, input) {
    const user = needUser(call, input.UserName);
    const keys = accessKeys.list(call).some((key) => key.user === user.name);
    if (keys) throw new AwsError('DeleteConflict', 'Cannot delete entity, must delete access keys first.', 409);
    if (user.attached.length > 0)
      throw new AwsError('DeleteConflict', 'Cannot delete entity, must detach all policies first.', 409);
    if (Object.keys(user.inline).length > 0)
      throw new AwsError('DeleteConflict', 'Cannot delete entity, must delete policies first.', 409);
    users.remove(call.world, user.id);
    return {};
  },

  CreateAccessKey(call, input) {
    const user = needUser(call, input.UserName);
    if (accessKeys.list(call).filter((key) => key.user === user.name).length >= keysPerUserMax)
      throw new AwsError('LimitExceeded', `Cannot exceed quota for AccessKeysPerUser: ${keysPerUserMax}`, 409);
    const key = accessKeys.put(call.world, {
      ...global(call, `AKIA${call.world.hex(16).toUpperCase()}`),
      user: user.name,
      secret: call.world.hex(40),
      state: 'Active',
    });
    return {
      AccessKey: {
        UserName: user.name,
        AccessKeyId: key.id,
        SecretAccessKey: key.secret,
        Status: 'Active',
        CreateDate: new Date(call.now),
      },
    };
  },

  ListAccessKeys(call, input) {
    const user = needUser(call, input.UserName);
    const found = accessKeys.list(call).filter((key) => key.user === user.name);
    return {
      AccessKeyMetadata: found.map((key) => ({
        UserName: user.name,
        AccessKeyId: key.id,
        Status: key.state,
        CreateDate: new Date(key.createdAtMs),
      })),
      IsTruncated: false,
    };
  },

  UpdateAccessKey(call, input) {
    needKey(call, input.AccessKeyId).state = input.Status === 'Active' ? 'Active' : 'Inactive';
    return {};
  },

  DeleteAccessKey(call, input) {
    accessKeys.remove(call.world, needKey(call, input.AccessKeyId).id);
    return {};
  },

  PutUserPolicy: (call, input) => inlineOf(needUser(call, input.UserName)).put(input.PolicyName, input.PolicyDocument),
  DeleteUserPolicy: (call, input) => inlineOf(needUser(call, input.UserName)).remove(input.PolicyName),
  GetUserPolicy: (call, input) => ({
    UserName: input.UserName,
    PolicyName: input.PolicyName,
    PolicyDocument: inlineOf(needUser(call, input.UserName)).get(input.PolicyName),
  }),
  ListUserPolicies: (call, input) => ({
    PolicyNames: Object.keys(needUser(call, input.UserName).inline),
    IsTruncated: false,
  }),
  AttachUserPolicy: (call, input) => attach(call, needUser(call, input.UserName), input.PolicyArn),
  DetachUserPolicy: (call, input) => detach(needUser(call, input.UserName), input.PolicyArn),
  ListAttachedUserPolicies: (call, input) => ({
    AttachedPolicies: needUser(call, input.UserName).attached.map((arn) => ({
      PolicyArn: arn,
      PolicyName: arn.split('/').at(-1),
    })),
    IsTruncated: false,
  }),
  ListGroupsForUser: (call, input) => (needUser(call, input.UserName), { Groups: [], IsTruncated: false }),
  ListUserTags: (call, input) => ({ Tags: tagsOut(needUser(call, input.UserName).tags), IsTruncated: false }),
};

function needUser(call: Call, name: string | undefined): User {
  const user = users.mine(call, `${call.account}/${name ?? ''}`);
  if (user === undefined) throw noSuch(`The user with name ${name ?? ''} cannot be found.`);
  return user;
}

function needKey(call: Call, id: string | undefined) {
  const key = accessKeys.mine(call, id);
  if (key === undefined) throw noSuch(`The Access Key with id ${id ?? ''} cannot be found`);
  return key;
}

function show(user: User): sdk.User {
  return {
    UserName: user.name,
    UserId: user.uniqueId,
    Arn: user.arn,
    Path: user.path,
    CreateDate: new Date(user.createdAtMs),
    Tags: tagsOut(user.tags),
  };
}
