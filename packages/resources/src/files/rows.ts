import type { ResourceKind } from '../resource-kind.ts';
import { keyText, type ObjectKey, type Resource } from '../resource.ts';
import type { WantedObject } from './parse.ts';
import type { ObjectRow } from './state-db.ts';

/** Rows of the store and how they become what readers see. PURE in all but name: no clock, no files. */

export function rowKey(row: Pick<ObjectRow, 'kind' | 'namespace' | 'name'>): ObjectKey {
  return { kind: row.kind, namespace: row.namespace, name: row.name };
}

export function rowId(row: Pick<ObjectRow, 'kind' | 'namespace' | 'name'>): string {
  return keyText(rowKey(row));
}

export function toResource(kind: ResourceKind, row: ObjectRow): Resource {
  const annotations: Record<string, string> = { ...row.annotations };
  for (const [key, value] of Object.entries(row.ownAnnotations)) {
    if (value === null) delete annotations[key];
    else annotations[key] = value;
  }
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: {
      name: row.name,
      namespace: row.namespace,
      uid: row.uid,
      generation: row.generation,
      resourceVersion: String(row.resourceVersion),
      creationTimestamp: row.createdAt,
      ...(row.deletedAt === undefined ? {} : { deletionTimestamp: row.deletedAt }),
      labels: row.labels,
      annotations,
      finalizers: row.finalizers,
    },
    spec: row.spec,
    ...(row.status === undefined ? {} : { status: row.status }),
  };
}

/** A first row for an object that a file asks for. */
export function newRow(wanted: WantedObject, stamp: { uid: string; version: number; at: string }): ObjectRow {
  return {
    ...wanted.key,
    uid: stamp.uid,
    generation: 1,
    resourceVersion: stamp.version,
    createdAt: stamp.at,
    deletedAt: undefined,
    ...fileSide(wanted),
    ownAnnotations: {},
    finalizers: [],
    status: wanted.status,
  };
}

/** The row with what the file says now, or undefined when it says nothing new. */
export function updatedRow(row: ObjectRow, wanted: WantedObject, version: number): ObjectRow | undefined {
  const side = fileSide(wanted);
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  const specSame = same(row.spec, side.spec);
  if (
    specSame &&
    row.file === side.file &&
    row.namespaceGiven === side.namespaceGiven &&
    row.deletedAt === undefined &&
    same(row.labels, side.labels) &&
    same(row.annotations, side.annotations)
  )
    return undefined;
  return {
    ...row,
    ...side,
    deletedAt: undefined,
    generation: specSame ? row.generation : row.generation + 1,
    resourceVersion: version,
  };
}

function fileSide({ file, namespaceGiven, labels, annotations, spec }: WantedObject) {
  return { file, namespaceGiven, labels, annotations, spec };
}
