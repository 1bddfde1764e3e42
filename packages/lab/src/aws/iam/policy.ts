/** Managed policies and their versions. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html */
import type * as sdk from '@aws-sdk/client-iam';
import { parsePolicy } from '../access/policy.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { global, iamPage, noSuch, tagMap, tagsOut, uniqueId } from './common.ts';
import { isManaged, managedDocument } from './managed.ts';
import { type Policy, policies, roles, users } from './records.ts';

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html */
const versionsMax = 5;

export const policyOperations: Operations<typeof sdk> = {
  CreatePolicy(call, input) {
    const path = input.Path ?? '/';
    const arn = `arn:${call.partition}:iam::${call.account}:policy${path}${input.PolicyName ?? ''}`;
    if (policies.get(call.world, arn) !== undefined)
      throw new AwsError(
        'EntityAlreadyExists',
        `A policy called ${input.PolicyName ?? ''} already exists. Duplicate names are not allowed.`,
        409,
      );
    parsePolicy(input.PolicyDocument ?? '');
    const policy = policies.put(call.world, {
      ...global(call, arn, tagMap(input.Tags)),
      name: input.PolicyName ?? '',
      path,
      policyId: uniqueId(call, 'ANPA'),
      ...(input.Description === undefined ? {} : { description: input.Description }),
      versions: [{ id: 'v1', document: input.PolicyDocument ?? '', createdAtMs: call.now }],
      defaultVersion: 'v1',
      made: 1,
    });
    return { Policy: show(call, policy) };
  },

  GetPolicy(call, input) {
    if (isManaged(input.PolicyArn ?? '')) return { Policy: showManaged(input.PolicyArn ?? '') };
    return { Policy: show(call, needPolicy(call, input.PolicyArn)) };
  },

  GetPolicyVersion(call, input) {
    const managed = managedDocument(input.PolicyArn ?? '');
    if (managed !== undefined)
      return {
        PolicyVersion: {
          Document: encodeURIComponent(managed),
          VersionId: 'v1',
          IsDefaultVersion: true,
          CreateDate: new Date(0),
        },
      };
    const policy = needPolicy(call, input.PolicyArn);
    const version = policy.versions.find(({ id }) => id === input.VersionId);
    if (version === undefined)
      throw noSuch(`Policy ${policy.id} version ${input.VersionId ?? ''} does not exist or is not attachable.`);
    return { PolicyVersion: showVersion(policy, version, true) };
  },

  ListPolicyVersions(call, input) {
    const policy = needPolicy(call, input.PolicyArn);
    return { Versions: policy.versions.map((version) => showVersion(policy, version, false)), IsTruncated: false };
  },

  CreatePolicyVersion(call, input) {
    const policy = needPolicy(call, input.PolicyArn);
    parsePolicy(input.PolicyDocument ?? '');
    if (policy.versions.length >= versionsMax)
      throw new AwsError(
        'LimitExceeded',
        'A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.',
        409,
      );
    policy.made += 1;
    const version = { id: `v${policy.made}`, document: input.PolicyDocument ?? '', createdAtMs: call.now };
    policy.versions.push(version);
    if (input.SetAsDefault === true) policy.defaultVersion = version.id;
    return { PolicyVersion: showVersion(policy, version, false) };
  },

  DeletePolicyVersion(call, input) {
    const policy = needPolicy(call, input.PolicyArn);
    if (policy.defaultVersion === input.VersionId)
      throw new AwsError('DeleteConflict', 'Cannot delete the default version of a policy.', 409);
    policy.versions = policy.versions.filter(({ id }) => id !== input.VersionId);
    return {};
  },

  DeletePolicy(call, input) {
    const policy = needPolicy(call, input.PolicyArn);
    if (attachments(call, policy.id) > 0)
      throw new AwsError('DeleteConflict', 'Cannot delete a policy attached to entities.', 409);
    if (policy.versions.length > 1)
      throw new AwsError(
        'DeleteConflict',
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions.",
        409,
      );
    policies.remove(call.world, policy.id);
    return {};
  },

  ListPolicies(call, input) {
    const { items, ...rest } = iamPage(call, input.Scope === 'AWS' ? [] : policies.list(call), ({ id }) => id, input);
    return { Policies: items.map((policy) => show(call, policy)), ...rest };
  },

  ListEntitiesForPolicy(call, input) {
    const arn = input.PolicyArn ?? '';
    return {
      PolicyRoles: roles
        .list(call)
        .filter(({ attached }) => attached.includes(arn))
        .map(({ name, uniqueId: id }) => ({ RoleName: name, RoleId: id })),
      PolicyUsers: users
        .list(call)
        .filter(({ attached }) => attached.includes(arn))
        .map(({ name, uniqueId: id }) => ({ UserName: name, UserId: id })),
      PolicyGroups: [],
      IsTruncated: false,
    };
  },

  ListPolicyTags: (call, input) => ({ Tags: tagsOut(needPolicy(call, input.PolicyArn).tags), IsTruncated: false }),
  TagPolicy(call, input) {
    Object.assign(needPolicy(call, input.PolicyArn).tags, tagMap(input.Tags));
    return {};
  },
  UntagPolicy(call, input) {
    for (const key of input.TagKeys ?? []) delete needPolicy(call, input.PolicyArn).tags[key];
    return {};
  },
};

function needPolicy(call: Call, arn: string | undefined): Policy {
  const policy = policies.mine(call, arn);
  if (policy === undefined) throw noSuch(`Policy ${arn ?? ''} was not found.`);
  return policy;
}

function attachments(call: Call, arn: string): number {
  return [...roles.all(call.world), ...users.all(call.world)].filter(({ attached }) => attached.includes(arn)).length;
}

function showVersion(policy: Policy, version: Policy['versions'][number], whole: boolean): sdk.PolicyVersion {
  return {
    VersionId: version.id,
    IsDefaultVersion: version.id === policy.defaultVersion,
    CreateDate: new Date(version.createdAtMs),
    ...(whole ? { Document: encodeURIComponent(version.document) } : {}),
  };
}

function show(call: Call, policy: Policy): sdk.Policy {
  return {
    PolicyName: policy.name,
    PolicyId: policy.policyId,
    Arn: policy.id,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersion,
    AttachmentCount: attachments(call, policy.id),
    PermissionsBoundaryUsageCount: 0,
    IsAttachable: true,
    CreateDate: new Date(policy.createdAtMs),
    UpdateDate: new Date(policy.versions.at(-1)?.createdAtMs ?? policy.createdAtMs),
    ...(policy.description === undefined ? {} : { Description: policy.description }),
    Tags: tagsOut(policy.tags),
  };
}

function showManaged(arn: string): sdk.Policy {
  const name = arn.split('/').at(-1) ?? '';
  return {
    PolicyName: name,
    PolicyId: `ANPA${Buffer.from(name).toString('hex').toUpperCase().slice(0, 17)}`,
    Arn: arn,
    Path: '/',
    DefaultVersionId: 'v1',
    AttachmentCount: 0,
    PermissionsBoundaryUsageCount: 0,
    IsAttachable: true,
    CreateDate: new Date(0),
    UpdateDate: new Date(0),
    Tags: [],
  };
}
