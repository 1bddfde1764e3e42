import { z } from 'zod';
import type { Kind } from './kinds.ts';
import { metadataSchema, type ObjectKey, type Resource } from './resource.ts';

/** A kind of resource: its names, its schema, what it uses. One table of these is all a store must know of its users. */
export interface ResourceKind<Spec = unknown, Status = unknown> extends Kind {
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  /** What stands where most kinds have `spec`. A Secret's is the document's other fields. */
  readonly spec: z.ZodType<Spec>;
  /** From the checked document to the spec that the store keeps. */
  readonly specOf: (document: Record<string, unknown>) => Spec;
  /** Status is written by controllers; this only carries its type. */
  readonly status?: Status;
  /** Serves other objects and destroys nothing when it goes: a Secret. Deletion guards do not count it. */
  readonly attachment: boolean;
  /** The objects that this one needs to the end: they stay readable for its finalizers after they are deleted. */
  readonly uses: (resource: Resource<Spec, Status>) => readonly ObjectKey[];
  /** Rules over old and new together, the same for a file and for the admission webhook. Paths begin in the document. */
  readonly admit: (next: Spec, previous: Spec | undefined) => readonly AdmissionIssue[];
}

export interface AdmissionIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

interface KindOptions<Spec, Status> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly description: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly spec: z.ZodType<Spec>;
  readonly uses?: (resource: Resource<Spec, Status>) => readonly ObjectKey[];
  readonly admit?: (next: Spec, previous: Spec | undefined) => readonly AdmissionIssue[];
}

export function defineKind<Spec, Status = unknown>(options: KindOptions<Spec, Status>): ResourceKind<Spec, Status> {
  return {
    attachment: false,
    uses: () => [],
    admit: () => [],
    ...options,
    schema: z.strictObject({
      apiVersion: z.literal(options.apiVersion),
      kind: z.literal(options.kind),
      metadata: metadataSchema,
      spec: options.spec,
      status: z.unknown().optional(),
    }),
    specOf: (document) => document['spec'] as Spec,
  };
}

/** Erases the type parameters of a kind for tables of kinds. */
export function anyKind<Spec, Status>(kind: ResourceKind<Spec, Status>): ResourceKind {
  return kind as unknown as ResourceKind;
}
