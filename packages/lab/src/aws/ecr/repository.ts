/** ECR repositories with their policies. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html */
import type * as sdk from '@aws-sdk/client-ecr';
import { parsePolicy } from '../access/policy.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { dnsSuffix } from '../world/partition.ts';
import { needRepository, type Registry, registries, repositories, repositoryArn, type Repository } from './records.ts';

export const repositoryOperations: Operations<typeof sdk> = {
  CreateRepository(call, input) {
    const name = input.repositoryName ?? '';
    if (!/^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(name) || name.length < 2)
      throw new AwsError(
        'InvalidParameterException',
        `Invalid parameter at 'repositoryName' failed to satisfy constraint: '${name}' is no repository name`,
      );
    const arn = repositoryArn(call, name);
    if (repositories.get(call.world, arn) !== undefined)
      throw new AwsError(
        'RepositoryAlreadyExistsException',
        `The repository with name '${name}' already exists in the registry with id '${call.account}'`,
      );
    const repository = repositories.put(call.world, {
      ...call.born(arn, tagMap(input.tags)),
      name,
      mutability: input.imageTagMutability ?? 'MUTABLE',
      mutabilityExceptions: (input.imageTagMutabilityExclusionFilters ?? []).map(({ filter = '' }) => ({
        filter,
        filterType: 'WILDCARD' as const,
      })),
      scanOnPush: input.imageScanningConfiguration?.scanOnPush ?? false,
      encryption: {
        type: input.encryptionConfiguration?.encryptionType ?? 'AES256',
        ...(input.encryptionConfiguration?.kmsKey === undefined ? {} : { key: input.encryptionConfiguration.kmsKey }),
      },
      images: [],
    });
    return { repository: show(repository) };
  },

  DescribeRepositories(call, input) {
    const all =
      input.repositoryNames === undefined
        ? repositories.list(call)
        : input.repositoryNames.map((name) => needRepository(call, name, input.registryId));
    const { items, next } = page(call, all, ({ id }) => id, {
      max: input.maxResults,
      token: input.nextToken,
      usual: 100,
    });
    return { repositories: items.map(show), nextToken: next };
  },

  DeleteRepository(call, input) {
    const repository = needRepository(call, input.repositoryName, input.registryId);
    if (repository.images.length > 0 && input.force !== true)
      throw new AwsError(
        'RepositoryNotEmptyException',
        `The repository with name '${repository.name}' in registry with id '${call.account}' cannot be deleted because it still contains images`,
      );
    repositories.remove(call.world, repository.id);
    return { repository: show(repository) };
  },

  PutImageTagMutability(call, input) {
    const repository = needRepository(call, input.repositoryName);
    repository.mutability = input.imageTagMutability ?? repository.mutability;
    return { registryId: call.account, repositoryName: repository.name, imageTagMutability: repository.mutability };
  },

  PutImageScanningConfiguration(call, input) {
    const repository = needRepository(call, input.repositoryName);
    repository.scanOnPush = input.imageScanningConfiguration?.scanOnPush ?? false;
    return {
      registryId: call.account,
      repositoryName: repository.name,
      imageScanningConfiguration: { scanOnPush: repository.scanOnPush },
    };
  },

  SetRepositoryPolicy(call, input) {
    const repository = needRepository(call, input.repositoryName);
    parsePolicy(input.policyText ?? '');
    repository.policy = input.policyText ?? '';
    return { registryId: call.account, repositoryName: repository.name, policyText: repository.policy };
  },
  GetRepositoryPolicy(call, input) {
    const repository = needRepository(call, input.repositoryName);
    if (repository.policy === undefined)
      throw new AwsError(
        'RepositoryPolicyNotFoundException',
        `Repository policy does not exist for the repository with name '${repository.name}' in the registry with id '${call.account}'`,
      );
    return { registryId: call.account, repositoryName: repository.name, policyText: repository.policy };
  },
  DeleteRepositoryPolicy(call, input) {
    const repository = needRepository(call, input.repositoryName);
    const policyText = repository.policy;
    delete repository.policy;
    return { registryId: call.account, repositoryName: repository.name, policyText };
  },

  PutLifecyclePolicy(call, input) {
    const repository = needRepository(call, input.repositoryName);
    checkJson(input.lifecyclePolicyText ?? '');
    repository.lifecycle = input.lifecyclePolicyText ?? '';
    return { registryId: call.account, repositoryName: repository.name, lifecyclePolicyText: repository.lifecycle };
  },
  GetLifecyclePolicy(call, input) {
    const repository = needRepository(call, input.repositoryName);
    if (repository.lifecycle === undefined)
      throw new AwsError(
        'LifecyclePolicyNotFoundException',
        `Lifecycle policy does not exist for the repository with name '${repository.name}' in the registry with id '${call.account}'`,
      );
    return {
      registryId: call.account,
      repositoryName: repository.name,
      lifecyclePolicyText: repository.lifecycle,
      lastEvaluatedAt: new Date(repository.createdAtMs),
    };
  },
  DeleteLifecyclePolicy(call, input) {
    const repository = needRepository(call, input.repositoryName);
    const lifecyclePolicyText = repository.lifecycle;
    delete repository.lifecycle;
    return { registryId: call.account, repositoryName: repository.name, lifecyclePolicyText };
  },

  TagResource(call, input) {
    Object.assign(needByArn(call, input.resourceArn).tags, tagMap(input.tags));
    return {};
  },
  UntagResource(call, input) {
    for (const key of input.tagKeys ?? []) delete needByArn(call, input.resourceArn).tags[key];
    return {};
  },
  ListTagsForResource: (call, input) => ({
    tags: Object.entries(needByArn(call, input.resourceArn).tags).map(([Key, Value]) => ({ Key, Value })),
  }),

  GetRegistryScanningConfiguration(call) {
    const { scanType, scanRules } = registry(call);
    return { registryId: call.account, scanningConfiguration: { scanType, rules: scanRules } };
  },
  PutRegistryScanningConfiguration(call, input) {
    const own = registry(call);
    own.scanType = input.scanType ?? own.scanType;
    own.scanRules = input.rules ?? own.scanRules;
    return { registryScanningConfiguration: { scanType: own.scanType, rules: own.scanRules } };
  },

  GetAuthorizationToken: (call) => ({
    authorizationData: [
      {
        authorizationToken: Buffer.from(`AWS:${call.world.hex(64)}`).toString('base64'),
        // https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html: twelve hours.
        expiresAt: new Date(call.now + 12 * 3_600_000),
        proxyEndpoint: `https://${call.account}.dkr.ecr.${call.region}.${dnsSuffix(call.region)}`,
      },
    ],
  }),
};

export function registry(call: Call): Registry {
  return (
    registries.list(call)[0] ??
    registries.put(call.world, { ...call.born(call.arn('ecr', 'registry')), scanType: 'BASIC', scanRules: [] })
  );
}

function needByArn(call: Call, arn: string | undefined): Repository {
  return needRepository(call, (arn ?? '').split(':repository/')[1]);
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new AwsError(
      'InvalidParameterException',
      "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: it is no JSON",
    );
  }
}

function tagMap(tags: readonly sdk.Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

function show(repository: Repository): sdk.Repository {
  const { encryption } = repository;
  return {
    repositoryArn: repository.id,
    registryId: repository.account,
    repositoryName: repository.name,
    repositoryUri: `${repository.account}.dkr.ecr.${repository.region}.${dnsSuffix(repository.region)}/${repository.name}`,
    createdAt: new Date(repository.createdAtMs),
    imageTagMutability: repository.mutability,
    ...(repository.mutabilityExceptions.length > 0
      ? { imageTagMutabilityExclusionFilters: repository.mutabilityExceptions }
      : {}),
    imageScanningConfiguration: { scanOnPush: repository.scanOnPush },
    encryptionConfiguration: {
      encryptionType: encryption.type,
      ...(encryption.key === undefined ? {} : { kmsKey: encryption.key }),
    },
  };
}
