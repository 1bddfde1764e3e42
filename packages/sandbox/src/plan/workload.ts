/** Pod templates, wherever they are in an object: what admission and lint look at. PURE. */
import { type Json, isObject, object, objects, text } from '../gate/json.ts';

export interface Template {
  /** Path to the pod spec, as `spec.template.spec`. */
  readonly path: readonly PropertyKey[];
  readonly spec: Json;
}

const templatePaths: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec'],
  Deployment: ['spec', 'template', 'spec'],
  StatefulSet: ['spec', 'template', 'spec'],
  DaemonSet: ['spec', 'template', 'spec'],
  ReplicaSet: ['spec', 'template', 'spec'],
  ReplicationController: ['spec', 'template', 'spec'],
  Job: ['spec', 'template', 'spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

export function templateOf(manifest: unknown): Template | undefined {
  const path = templatePaths[text(object(manifest)['kind']) ?? ''];
  if (path === undefined) return undefined;
  let spec: unknown = manifest;
  for (const key of path) spec = object(spec)[key];
  return isObject(spec) ? { path, spec } : undefined;
}

const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const;

export function containersOf({
  path,
  spec,
}: Template): ReadonlyArray<{ readonly path: readonly PropertyKey[]; readonly container: Json }> {
  return containerLists.flatMap((list) =>
    objects(spec[list]).map((container, i) => ({ path: [...path, list, i], container })),
  );
}

/** The repository of a reference: without tag and digest. */
export function repositoryOf(image: string): string {
  return image.split('@')[0]!.replace(/:[\w][\w.-]{0,127}$/, '');
}

/** Names by digest what a release names by digest: every container of that repository, init containers among them. */
export function pinImages<T>(manifest: T, images: readonly string[]): T {
  const template = templateOf(manifest);
  if (template === undefined) return manifest;
  const copy = structuredClone(manifest);
  for (const { container } of containersOf(templateOf(copy)!)) {
    const found = images.find((image) => repositoryOf(image) === repositoryOf(text(container['image']) ?? ''));
    if (found !== undefined) (container as Record<string, unknown>)['image'] = found;
  }
  return copy;
}

export function imagesOf(manifests: readonly unknown[]): string[] {
  return [
    ...new Set(
      manifests.flatMap((manifest) => {
        const template = templateOf(manifest);
        return template === undefined
          ? []
          : containersOf(template).flatMap(({ container }) => text(container['image']) ?? []);
      }),
    ),
  ].toSorted();
}
