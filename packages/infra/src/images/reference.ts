/** The image's name in manifests: repository, tag, and the digest that a lock gives. */
import { loadDocument } from '@postern/core';
import { z } from 'zod';
import type { Problem } from '../config/check.ts';
import type { Instance } from '../config/model.ts';
import type { ImageReference } from '../kustomize/input.ts';
import { imageRepository } from '../stacks/google.ts';

export const digestPattern = /^sha256:[0-9a-f]{64}$/;

export const lockSchema = z
  .strictObject({
    apiVersion: z.literal('postern.dev/v1'),
    kind: z.literal('ImagesLock'),
    images: z
      .array(
        z.strictObject({
          name: z.string().min(1),
          repository: z.string().min(1).describe('Where the digest was read.'),
          tag: z.string().min(1),
          digest: z.string().regex(digestPattern, 'is not a digest (sha256: and 64 hexadecimal digits)'),
        }),
      )
      .max(100),
  })
  .describe('Images by digest, as a registry gave them (images.lock.yaml).');

export type ImagesLock = z.infer<typeof lockSchema>;

/** The instance's own copy of the image. */
export function ownRepository(instance: Instance): string {
  return instance.images.repository ?? `${imageRepository(instance)}/postern`;
}

export interface ChosenImage {
  readonly image: ImageReference;
  readonly problems: readonly Problem[];
}

/** `version`: the tag where the configuration names none. */
export function chooseImage(instance: Instance, version: string, lock: ImagesLock | undefined): ChosenImage {
  const tag = instance.images.tag ?? version;
  const repository = ownRepository(instance);
  const locked = lock?.images.find(({ name }) => name === 'postern');
  if (locked === undefined || locked.tag === tag)
    return { image: { repository, tag, digest: locked?.digest }, problems: [] };
  const message = `images.lock.yaml has tag ${locked.tag}, the instance wants ${tag}: lock again with postern images lock`;
  return {
    image: { repository, tag, digest: undefined },
    problems: [{ severity: 'warning', path: ['spec', 'images'], message }],
  };
}

export function parseLock(file: string, text: string): ImagesLock {
  return loadDocument(file, text, lockSchema);
}
