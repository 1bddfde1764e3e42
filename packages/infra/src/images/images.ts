/** `postern images lock` and `copy`: digests as a registry gives them, and the image in the instance's own registry. */
import { PosternError, UsageError } from '@postern/core';
import { stringify } from 'yaml';
import type { Instance } from '../config/model.ts';
import { readIfThere, writeWhole } from '../generate/files.ts';
import { loadInstance } from '../generate/load.ts';
import { imagesLockFile } from '../generate/paths.ts';
import { version } from '../generate/version.ts';
import { copyImage } from './copy.ts';
import { type ImagesLock, ownRepository, parseLock } from './reference.ts';
import { Repository } from './registry.ts';

export interface ImagesOptions {
  readonly signal: AbortSignal;
  /** Instead of `spec.images.source`. */
  readonly from?: string;
  /** Instead of the instance's own repository. */
  readonly to?: string;
  readonly step?: (text: string) => void;
}

export interface Locked {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly changed: boolean;
}

/** Asks the registry what the tag is now, and writes it down. */
export async function lockImages(dir: string, options: ImagesOptions): Promise<Locked> {
  const { instance } = loadInstance(dir);
  const tag = tagOf(instance);
  const repository = new Repository(options.from ?? instance.images.source ?? ownRepository(instance), options.signal);
  options.step?.(`asking ${String(repository)} for ${tag}`);
  const { digest } = await repository.manifest(tag);
  const lock: ImagesLock = {
    apiVersion: 'postern.dev/v1',
    kind: 'ImagesLock',
    images: [{ name: 'postern', repository: String(repository), tag, digest }],
  };
  const header = '# Written by `postern images lock`: what the registry said the tag is.\n';
  const changed = writeWhole(imagesLockFile(dir), header + stringify(lock, { lineWidth: 0 }));
  return { repository: String(repository), tag, digest, changed };
}

export interface Copied {
  readonly from: string;
  readonly to: string;
  readonly tag: string;
  readonly digest: string;
}

/** Copies exactly what the lock names: a tag that moved since then is not what was reviewed. */
export async function copyImages(dir: string, options: ImagesOptions): Promise<Copied> {
  const { instance } = loadInstance(dir);
  const source = options.from ?? instance.images.source;
  if (source === undefined)
    throw new UsageError('there is no repository to copy from', { hint: 'set spec.images.source, or give --from' });
  const file = imagesLockFile(dir);
  const text = readIfThere(file);
  const locked = text === undefined ? undefined : parseLock(file, text).images.find(({ name }) => name === 'postern');
  if (locked === undefined) throw new UsageError(`${file} does not exist`, { hint: `postern images lock ${dir}` });
  if (locked.tag !== tagOf(instance))
    throw new UsageError(`${file} has tag ${locked.tag}, the instance wants ${tagOf(instance)}`, {
      hint: `postern images lock ${dir}`,
    });
  const from = new Repository(source, options.signal);
  const to = new Repository(options.to ?? ownRepository(instance), options.signal);
  if (String(from) === String(to)) throw new UsageError(`${String(to)} is both source and target`);
  const manifest = await copyImage(from, to, locked.digest, options.step ?? (() => {}));
  await to.putManifest(locked.tag, manifest);
  const arrived = await to.manifest(locked.tag);
  if (arrived.digest !== locked.digest)
    throw new PosternError('REGISTRY_DIGEST', `${String(to)}:${locked.tag} is ${arrived.digest}, not ${locked.digest}`);
  return { from: String(from), to: String(to), tag: locked.tag, digest: locked.digest };
}

function tagOf({ images }: Instance): string {
  return images.tag ?? version;
}
