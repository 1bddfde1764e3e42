import { PosternError } from '@postern/core';
import type { ResourceKind } from './resource-kind.ts';
import type { ObjectKey, Resource } from './resource.ts';
import type { SecretData } from './secret.ts';

/**
 * What a controller needs of the place where resources live. Files with SQLite and a Kubernetes API server both give it; one
 * compliance suite holds both to it.
 *
 * Level-based: `watch` says that something about a key changed, never what; the reader gets the whole object again.
 */
export interface Store {
  list<Spec, Status>(kind: ResourceKind<Spec, Status>): Promise<ReadonlyArray<Resource<Spec, Status>>>;
  get<Spec, Status>(
    kind: ResourceKind<Spec, Status>,
    place: { readonly namespace: string; readonly name: string },
    options?: ReadOptions,
  ): Promise<Resource<Spec, Status> | undefined>;
  secret(
    place: { readonly namespace: string; readonly name: string },
    options?: ReadOptions,
  ): Promise<SecretData | undefined>;
  /** Calls back once for every existing object of the kinds, then after each change; ends with the signal. */
  watch(kinds: readonly ResourceKind[], onChange: (key: ObjectKey) => void, signal: AbortSignal): Promise<void>;
  /** Replaces the status. Throws `ConflictError` when the object changed since `resource` was read. */
  updateStatus<Spec, Status>(
    kind: ResourceKind<Spec, Status>,
    resource: Resource<Spec, Status>,
    status: Status,
  ): Promise<Resource<Spec, Status>>;
  /** Changes named finalizers and annotations only; all others stay. Throws `ConflictError` like `updateStatus`. */
  updateMetadata<Spec, Status>(
    kind: ResourceKind<Spec, Status>,
    resource: Resource<Spec, Status>,
    patch: MetadataPatch,
  ): Promise<Resource<Spec, Status> | undefined>;
  /** Tells people about a step. Repeats of one are counted. Never throws: news must not stop the work. */
  event(resource: Resource, event: EventNews): Promise<void>;
  events(key: ObjectKey): Promise<readonly StoredEvent[]>;
  close(): Promise<void>;
}

export interface ReadOptions {
  /** Also what was deleted but is needed by an object that is being finalised, where the store still has it. */
  readonly forCleanUp?: boolean;
}

export interface MetadataPatch {
  readonly addFinalizers?: readonly string[];
  readonly removeFinalizers?: readonly string[];
  /** undefined removes the annotation. */
  readonly annotations?: Readonly<Record<string, string | undefined>>;
}

export interface EventNews {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface StoredEvent extends EventNews {
  readonly count: number;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
}

/** Somebody else wrote in between: read again, decide again. */
export class ConflictError extends PosternError {
  override readonly name = 'ConflictError';
  constructor(what: string) {
    super('CONFLICT', `${what} changed since it was read`);
  }
}

/** Metadata after a patch. */
export function patchedMetadata(
  metadata: Resource['metadata'],
  patch: MetadataPatch,
): Pick<Resource['metadata'], 'finalizers' | 'annotations'> {
  const removed = new Set(patch.removeFinalizers ?? []);
  const finalizers = [...new Set([...metadata.finalizers, ...(patch.addFinalizers ?? [])])].filter(
    (finalizer) => !removed.has(finalizer),
  );
  const annotations: Record<string, string> = { ...metadata.annotations };
  for (const [key, value] of Object.entries(patch.annotations ?? {})) {
    if (value === undefined) delete annotations[key];
    else annotations[key] = value;
  }
  return { finalizers, annotations };
}
