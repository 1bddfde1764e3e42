import { formatPath, PosternError } from '@postern/core';
import type { ResourceKind } from './resource-kind.ts';

/**
 * The hand of a command that changes what is wanted (a HiveConfig, a Secret), in files or in a cluster. A store only reads
 * that; controllers never use this.
 */
export interface ResourceEditor {
  /** The document as a person would write it, with `metadata` and whatever its kind has beside; undefined where there is none. */
  read(kind: ResourceKind, place: EditPlace): Promise<EditDocument | undefined>;
  /**
   * Reads, changes, checks, writes. Where somebody else wrote in between, it reads and changes again, so `change` must not
   * remember. It gets a copy (undefined: there is none) and returns the document, or undefined to leave all as it is.
   */
  edit(
    kind: ResourceKind,
    place: EditPlace,
    change: (document: EditDocument | undefined) => EditDocument | undefined,
  ): Promise<EditOutcome>;
  /** False where there was none. */
  remove(kind: ResourceKind, place: EditPlace): Promise<boolean>;
}

export interface EditPlace {
  /** Empty for kinds without a namespace. */
  readonly namespace: string;
  readonly name: string;
}

export interface EditDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface EditOutcome {
  readonly kind: 'created' | 'changed' | 'unchanged';
  /** The file, or the object in the cluster, for people. */
  readonly where: string;
}

/** Writers that meet more often than this are stuck in something else. */
export const editTriesMax = 6;

/** Refuses what the kind's own schema and rules refuse, before anything is written. */
export function checkEdited(kind: ResourceKind, document: EditDocument, previous: EditDocument | undefined): void {
  const checked = kind.schema.safeParse(document);
  const problems = checked.success
    ? kind
        .admit(specOf(kind, document), previous === undefined ? undefined : specOf(kind, previous))
        .filter(({ severity }) => severity !== 'warning')
    : checked.error.issues;
  if (problems.length === 0) return;
  const text = problems.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('; ');
  throw new PosternError('INVALID', `${kind.kind} ${document.metadata.name} would not be valid: ${text}`, {
    exitCode: 2,
  });
}

function specOf(kind: ResourceKind, document: EditDocument): unknown {
  return kind.specOf(structuredClone(document));
}

/** Key order is not a change. */
export function sameDocument(a: unknown, b: unknown): boolean {
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.toSorted(([x], [y]) => (x < y ? -1 : 1)).map(([key, inner]) => [key, ordered(inner)]),
  );
}
