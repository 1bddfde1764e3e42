/** Copying an image from one repository to another, whole: every platform, every layer, the same digest. */
import type { Descriptor, Manifest, Repository } from './registry.ts';

interface Content {
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
}

/** What is there already is not sent again, so a copy that was cut goes on where it stopped. */
export async function copyImage(
  from: Repository,
  to: Repository,
  reference: string,
  step: (text: string) => void,
): Promise<Manifest> {
  const manifest = await from.manifest(reference);
  await copyContent(from, to, manifest, step);
  return manifest;
}

async function copyContent(
  from: Repository,
  to: Repository,
  manifest: Manifest,
  step: (text: string) => void,
): Promise<void> {
  const content = JSON.parse(manifest.bytes.toString()) as Content;
  for (const child of content.manifests ?? []) {
    if (await to.has('manifests', child.digest)) continue;
    const inner = await from.manifest(child.digest);
    await copyContent(from, to, inner, step);
    await to.putManifest(child.digest, inner);
  }
  for (const blob of [...(content.config === undefined ? [] : [content.config]), ...(content.layers ?? [])]) {
    if (await to.has('blobs', blob.digest)) continue;
    step(`${blob.digest.slice(0, 19)} (${blob.size} bytes)`);
    await to.putBlob(blob, () => from.blob(blob));
  }
}
