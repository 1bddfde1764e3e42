/** Images and their scans. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html */
import { createHash } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-ecr';
import { fits } from '../access/pattern.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { findImage, type Image, needImage, needRepository, type Repository, type Scan } from './records.ts';

const scanTakesMs = 500;

export const imageOperations: Operations<typeof sdk> = {
  PutImage(call, input) {
    const repository = needRepository(call, input.repositoryName, input.registryId);
    const manifest = input.imageManifest ?? '';
    const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
    if (input.imageDigest !== undefined && input.imageDigest !== digest)
      throw new AwsError(
        'ImageDigestDoesNotMatchException',
        `The digest of the image manifest is ${digest}, not ${input.imageDigest}`,
      );
    const tag = input.imageTag;
    const holder = tag === undefined ? undefined : repository.images.find(({ tags }) => tags.includes(tag));
    if (holder?.digest === digest)
      throw new AwsError(
        'ImageAlreadyExistsException',
        `Image with digest '${digest}' and tag '${tag ?? ''}' already exists in the repository with name '${repository.name}'`,
      );
    // https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
    if (holder !== undefined && immutable(repository, tag!))
      throw new AwsError(
        'ImageTagAlreadyExistsException',
        `The image tag '${tag}' already exists in the '${repository.name}' repository and cannot be overwritten because the tag is immutable.`,
      );
    if (holder !== undefined) holder.tags = holder.tags.filter((one) => one !== tag);
    let image = repository.images.find((one) => one.digest === digest);
    if (image === undefined) {
      image = {
        digest,
        tags: [],
        manifest,
        mediaType: input.imageManifestMediaType ?? mediaTypeOf(manifest),
        pushedAtMs: call.now,
      };
      repository.images.push(image);
      if (repository.scanOnPush) image.scan = { atMs: call.now, completeAtMs: call.now + scanTakesMs, findings: [] };
    }
    if (tag !== undefined && !image.tags.includes(tag)) image.tags.push(tag);
    return {
      image: {
        registryId: call.account,
        repositoryName: repository.name,
        imageId: { imageDigest: digest, ...(tag === undefined ? {} : { imageTag: tag }) },
        imageManifest: manifest,
        imageManifestMediaType: image.mediaType,
      },
    };
  },

  ListImages(call, input) {
    const repository = needRepository(call, input.repositoryName, input.registryId);
    const all = repository.images.flatMap(({ digest, tags }) =>
      tags.length === 0 ? [{ imageDigest: digest }] : tags.map((tag) => ({ imageDigest: digest, imageTag: tag })),
    );
    const wanted = all.filter(
      (id) =>
        input.filter?.tagStatus === undefined ||
        input.filter.tagStatus === 'ANY' ||
        (input.filter.tagStatus === 'TAGGED') === 'imageTag' in id,
    );
    const { items, next } = page(call, wanted, (id) => JSON.stringify(id), {
      max: input.maxResults,
      token: input.nextToken,
      usual: 100,
    });
    return { imageIds: items, nextToken: next };
  },

  DescribeImages(call, input) {
    const repository = needRepository(call, input.repositoryName, input.registryId);
    const wanted =
      input.imageIds === undefined ? repository.images : input.imageIds.map((id) => needImage(call, repository, id));
    const { items, next } = page(call, wanted, ({ digest }) => digest, {
      max: input.maxResults,
      token: input.nextToken,
      usual: 100,
    });
    return { imageDetails: items.map((image) => detail(call, repository, image)), nextToken: next };
  },

  BatchGetImage(call, input) {
    const repository = needRepository(call, input.repositoryName, input.registryId);
    const found = (input.imageIds ?? []).map((id) => ({ id, image: findImage(repository, id) }));
    return {
      images: found.flatMap(({ id, image }) =>
        image === undefined
          ? []
          : [
              {
                registryId: call.account,
                repositoryName: repository.name,
                imageId: { imageDigest: image.digest, ...(id.imageTag === undefined ? {} : { imageTag: id.imageTag }) },
                imageManifest: image.manifest,
                imageManifestMediaType: image.mediaType,
              },
            ],
      ),
      failures: found.flatMap(({ id, image }) => (image === undefined ? [missing(id)] : [])),
    };
  },

  BatchDeleteImage(call, input) {
    const repository = needRepository(call, input.repositoryName, input.registryId);
    const failures: sdk.ImageFailure[] = [];
    const imageIds: sdk.ImageIdentifier[] = [];
    for (const id of input.imageIds ?? []) {
      const image = findImage(repository, id);
      if (image === undefined) failures.push(missing(id));
      else {
        imageIds.push({ imageDigest: image.digest, ...(id.imageTag === undefined ? {} : { imageTag: id.imageTag }) });
        image.tags = id.imageTag === undefined ? [] : image.tags.filter((tag) => tag !== id.imageTag);
        if (image.tags.length === 0) repository.images = repository.images.filter((one) => one !== image);
      }
    }
    return { imageIds, failures };
  },

  StartImageScan(call, input) {
    const repository = needRepository(call, input.repositoryName, input.registryId);
    const image = needImage(call, repository, input.imageId);
    // https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-basic.html: once a day.
    if (image.scan !== undefined && call.now - image.scan.atMs < 24 * 3_600_000)
      throw new AwsError('LimitExceededException', 'The scan quota per image has been exceeded. Wait and try again.');
    image.scan = { atMs: call.now, completeAtMs: call.now + scanTakesMs, findings: [] };
    return {
      registryId: call.account,
      repositoryName: repository.name,
      imageId: { imageDigest: image.digest },
      imageScanStatus: { status: 'IN_PROGRESS' },
    };
  },

  DescribeImageScanFindings(call, input) {
    const repository = needRepository(call, input.repositoryName, input.registryId);
    const image = needImage(call, repository, input.imageId);
    const { scan } = image;
    if (scan === undefined)
      throw new AwsError(
        'ScanNotFoundException',
        `Image scan does not exist for the image with '{imageDigest:'${image.digest}', imageTag:'${image.tags[0] ?? 'null'}'}' in the repository with name '${repository.name}' in the registry with id '${call.account}'`,
      );
    const complete = call.now >= scan.completeAtMs;
    const { items, next } = page(
      call,
      complete ? scan.findings : [],
      ({ name, attributes }) => `${name}|${JSON.stringify(attributes)}`,
      { max: input.maxResults, token: input.nextToken, usual: 100 },
    );
    return {
      registryId: call.account,
      repositoryName: repository.name,
      imageId: { imageDigest: image.digest, ...(image.tags[0] === undefined ? {} : { imageTag: image.tags[0] }) },
      imageScanStatus: complete
        ? { status: 'COMPLETE', description: 'The scan was completed successfully.' }
        : { status: 'IN_PROGRESS' },
      ...(complete
        ? {
            imageScanFindings: {
              imageScanCompletedAt: new Date(scan.completeAtMs),
              vulnerabilitySourceUpdatedAt: new Date(scan.atMs),
              findingSeverityCounts: counts(scan),
              findings: items.map(finding),
            },
          }
        : {}),
      nextToken: next,
    };
  },
};

function immutable(repository: Repository, tag: string): boolean {
  const excepted = repository.mutabilityExceptions.some(({ filter }) => fits(filter, tag));
  if (repository.mutability.startsWith('IMMUTABLE')) return !excepted;
  return repository.mutability === 'MUTABLE_WITH_EXCLUSION' && excepted;
}

function mediaTypeOf(manifest: string): string {
  try {
    const { mediaType } = JSON.parse(manifest) as { mediaType?: unknown };
    if (typeof mediaType === 'string') return mediaType;
  } catch {
    // falls through to the usual type
  }
  return 'application/vnd.docker.distribution.manifest.v2+json';
}

const missing = (id: sdk.ImageIdentifier): sdk.ImageFailure => ({
  imageId: id,
  failureCode: 'ImageNotFound',
  failureReason: 'Requested image not found',
});

function counts(scan: Scan): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(scan.findings, ({ severity }) => severity)].map(([severity, same]) => [severity, same.length]),
  );
}

function finding({ name, severity, description, uri, attributes }: Scan['findings'][number]): sdk.ImageScanFinding {
  return {
    name,
    severity,
    ...(description === undefined ? {} : { description }),
    ...(uri === undefined ? {} : { uri }),
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value })),
  };
}

function detail(call: Call, repository: Repository, image: Image): sdk.ImageDetail {
  const complete = image.scan !== undefined && call.now >= image.scan.completeAtMs;
  return {
    registryId: call.account,
    repositoryName: repository.name,
    imageDigest: image.digest,
    ...(image.tags.length > 0 ? { imageTags: image.tags } : {}),
    imageSizeInBytes: Buffer.byteLength(image.manifest),
    imagePushedAt: new Date(image.pushedAtMs),
    imageManifestMediaType: image.mediaType,
    ...(image.scan === undefined
      ? {}
      : { imageScanStatus: { status: complete ? ('COMPLETE' as const) : ('IN_PROGRESS' as const) } }),
    ...(complete
      ? {
          imageScanFindingsSummary: {
            imageScanCompletedAt: new Date(image.scan!.completeAtMs),
            findingSeverityCounts: counts(image.scan!),
          },
        }
      : {}),
  };
}
