import { z } from 'zod';

/** What every resource has, as in Kubernetes, so that a file, a row and an API object are one thing. */

export interface Metadata {
  readonly name: string;
  /** Empty for kinds that have no namespace. */
  readonly namespace: string;
  readonly uid: string;
  /** Counts changes of what the user wrote; a change of status or metadata leaves it. */
  readonly generation: number;
  /** Changes with every write; an update that names an old one is refused (optimistic concurrency). */
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  /** Set: the user has deleted it, and it goes when the last finalizer has gone. */
  readonly deletionTimestamp?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly finalizers: readonly string[];
}

export interface Resource<Spec = unknown, Status = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status?: Status;
}

export interface ObjectKey {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function keyOf(resource: Resource): ObjectKey {
  return { kind: resource.kind, namespace: resource.metadata.namespace, name: resource.metadata.name };
}

/** `ClusterDeployment/acme/prod`; without a namespace `HiveConfig/hive`. */
export function keyText({ kind, namespace, name }: ObjectKey): string {
  return namespace === '' ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

/** The namespace of an object whose file names none, as kubectl has it. */
export const defaultNamespace = 'default';

/** RFC 1123 subdomain: what Kubernetes takes as an object's name. */
const objectName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, {
    error: (issue) => `${JSON.stringify(issue.input)} is not a name of lower-case letters, digits, hyphens and dots`,
  });

const textMap = z.record(z.string(), z.string());

/** Loose: an object exported from a cluster carries uid, managedFields and the like, which the store sets by itself. */
export const metadataSchema = z.looseObject({
  name: objectName,
  namespace: z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, {
      error: (issue) => `${JSON.stringify(issue.input)} is not a namespace of lower-case letters, digits and hyphens`,
    })
    .optional(),
  labels: textMap.nullish(),
  annotations: textMap.nullish(),
});
