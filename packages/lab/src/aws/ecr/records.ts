/** What ECR keeps. Ids are the repositories' ARNs, so that a region's are its own. */
import type * as sdk from '@aws-sdk/client-ecr';
import { AwsError } from '../error.ts';
import type { Call } from '../world/call.ts';
import { Kind, type Stored } from '../world/kind.ts';

export interface Repository extends Stored {
  readonly name: string;
  mutability: sdk.ImageTagMutability;
  mutabilityExceptions: { filter: string; filterType: 'WILDCARD' }[];
  scanOnPush: boolean;
  readonly encryption: { type: sdk.EncryptionType; key?: string };
  policy?: string;
  lifecycle?: string;
  images: Image[];
}

export interface Image {
  readonly digest: string;
  tags: string[];
  readonly manifest: string;
  readonly mediaType: string;
  readonly pushedAtMs: number;
  scan?: Scan;
}

export interface Scan {
  readonly atMs: number;
  /** From then on it is COMPLETE; before, IN_PROGRESS. */
  readonly completeAtMs: number;
  readonly findings: {
    name: string;
    severity: sdk.FindingSeverity;
    description?: string;
    uri?: string;
    attributes: Record<string, string>;
  }[];
}

export const repositories = new Kind<Repository>('ecr-repository');

/** What a registry's account has set for all its repositories. */
export interface Registry extends Stored {
  scanType: sdk.ScanType;
  scanRules: sdk.RegistryScanningRule[];
  policy?: string;
}

export const registries = new Kind<Registry>('ecr-registry');

export function needRepository(call: Call, name: string | undefined, registry?: string): Repository {
  if (registry !== undefined && registry !== call.account) throw notFound(name, registry);
  const repository = repositories.mine(call, repositoryArn(call, name ?? ''));
  if (repository === undefined) throw notFound(name, call.account);
  return repository;
}

export const repositoryArn = (call: Call, name: string): string => call.arn('ecr', `repository/${name}`);

function notFound(name: string | undefined, registry: string): AwsError {
  return new AwsError(
    'RepositoryNotFoundException',
    `The repository with name '${name ?? ''}' does not exist in the registry with id '${registry}'`,
  );
}

/** The image an identifier names, by digest or by tag. */
export function findImage(repository: Repository, id: sdk.ImageIdentifier | undefined): Image | undefined {
  return repository.images.find(
    (image) =>
      (id?.imageDigest === undefined || image.digest === id.imageDigest) &&
      (id?.imageTag === undefined || image.tags.includes(id.imageTag)),
  );
}

export function needImage(call: Call, repository: Repository, id: sdk.ImageIdentifier | undefined): Image {
  const image = id?.imageDigest === undefined && id?.imageTag === undefined ? undefined : findImage(repository, id);
  if (image === undefined)
    throw new AwsError(
      'ImageNotFoundException',
      `The image with imageId {imageDigest:'${id?.imageDigest ?? 'null'}', imageTag:'${id?.imageTag ?? 'null'}'} does not exist within the repository with name '${repository.name}' in the registry with id '${call.account}'`,
    );
  return image;
}
