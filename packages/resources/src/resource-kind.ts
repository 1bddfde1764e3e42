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
  /**
   * Rules beyond the schema, over old and new together and over other objects; the same for a file and for the admission
   * webhook. Paths begin in the document.
   */
  readonly admit: (next: Spec, previous: Spec | undefined, context?: AdmissionContext) => readonly AdmissionIssue[];
  /** What a CustomResourceDefinition says beside the schema. */
  readonly cluster?: ClusterSide;
}

export interface AdmissionIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** A warning is told and the object taken all the same; without it the object is refused. */
  readonly severity?: 'error' | 'warning';
}

/** What a rule may look at beside the object itself. */
export interface AdmissionContext {
  /** Files are refused less than Hive's own webhook refuses: there is nobody to ask for an exception. */
  readonly where: 'files' | 'cluster';
  /** The spec of another object, as wanted now; undefined where there is none. */
  readonly specOf: (key: ObjectKey) => unknown;
}

export interface ClusterSide {
  readonly shortNames?: readonly string[];
  /** Columns of `kubectl get`, before the age; JSONPath. */
  readonly columns?: ReadonlyArray<{ readonly name: string; readonly path: string }>;
  /** CEL rules for what a structural schema cannot say; `at` is a path of properties, empty for the object itself. */
  readonly rules?: ReadonlyArray<{ readonly at: readonly string[]; readonly rule: string; readonly message: string }>;
  readonly status?: z.ZodType;
}

interface KindOptions<Spec, Status> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly description: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly spec: z.ZodType<Spec>;
  readonly uses?: (resource: Resource<Spec, Status>) => readonly ObjectKey[];
  readonly admit?: (next: Spec, previous: Spec | undefined, context?: AdmissionContext) => readonly AdmissionIssue[];
  readonly cluster?: ClusterSide;
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
