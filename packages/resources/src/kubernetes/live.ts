import type { ResourceKind } from '../resource-kind.ts';
import type { Resource } from '../resource.ts';
import { secretKind, type SecretSpec } from '../secret.ts';

/** Objects as the API server gives them, and what readers get of them. PURE. */

export interface LiveObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** `/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME`; without a place the collection over all namespaces. */
export function pathOf(kind: Pick<ResourceKind, 'apiVersion' | 'plural' | 'scope'>, place?: Partial<Place>): string {
  const root = kind.apiVersion.includes('/') ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`;
  const { namespace = '', name } = place ?? {};
  const within = kind.scope === 'Namespaced' && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${within}/${kind.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

/** Without managedFields, which are half of many an object, and which nobody here reads. */
export function toResource(kind: ResourceKind, object: LiveObject): Resource {
  const { metadata } = object;
  const spec = kind.kind === secretKind.kind ? secretSpecOf(object) : (object.spec ?? {});
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace ?? '',
      uid: metadata.uid ?? '',
      generation: metadata.generation ?? 1,
      resourceVersion: metadata.resourceVersion ?? '',
      creationTimestamp: metadata.creationTimestamp ?? '',
      ...(metadata.deletionTimestamp === undefined ? {} : { deletionTimestamp: metadata.deletionTimestamp }),
      labels: metadata.labels ?? {},
      annotations: metadata.annotations ?? {},
      finalizers: metadata.finalizers ?? [],
    },
    spec,
    ...(object.status === undefined ? {} : { status: object.status }),
  };
}

/** Empty where only the metadata is known. */
function secretSpecOf(object: LiveObject): SecretSpec {
  const { data, type } = object as { data?: Record<string, string>; type?: string };
  return { ...(type === undefined ? {} : { type }), data: data ?? {} };
}

/**
 * Whether version `a` was written after `b`. Every API server counts them up (KEP-5504 makes that a promise); where one does
 * not, the later arrival wins.
 */
export function isNewer(a: string, b: string): boolean {
  const numbers = /^\d+$/;
  if (!numbers.test(a) || !numbers.test(b)) return a !== b;
  return a.length === b.length ? a > b : a.length > b.length;
}
