import type { ResourceKind } from '../resource-kind.ts';
import { type Structural, structuralSchema } from './structural.ts';

/** CustomResourceDefinitions, made of the same schemas that check the files. PURE. */

/** Marks what this program made and may change; a definition without it is somebody else's. */
export const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedBy = 'postern';

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: Record<string, unknown>;
}

export function crdName(kind: Pick<ResourceKind, 'apiVersion' | 'plural'>): string {
  return `${kind.plural}.${kind.apiVersion.split('/')[0]}`;
}

export function customResourceDefinition(kind: ResourceKind): CustomResourceDefinition {
  const [group, version] = kind.apiVersion.split('/') as [string, string];
  const { columns = [], shortNames = [], rules = [], status } = kind.cluster ?? {};
  const statusSchema: Structural =
    status === undefined ? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } : structuralSchema(status);
  const root: Structural = {
    type: 'object',
    description: kind.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structuralSchema(kind.spec),
      status: statusSchema,
    },
  };
  const schema = rules.reduce((all, { at, rule, message }) => withRule(all, at, { rule, message }), root);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: crdName(kind), labels: { [managedByLabel]: managedBy } },
    spec: {
      group,
      scope: kind.scope,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        ...(shortNames.length === 0 ? {} : { shortNames }),
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: { status: {} },
          additionalPrinterColumns: [
            ...columns.map(({ name, path }) => ({ name, type: 'string', jsonPath: path })),
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
        },
      ],
    },
  };
}

/** The schema with a CEL rule at a place below `properties`; an empty path is the object itself. */
function withRule(schema: Structural, at: readonly string[], rule: { rule: string; message: string }): Structural {
  const [field, ...rest] = at;
  if (field === undefined) {
    const rules = (schema['x-kubernetes-validations'] ?? []) as readonly unknown[];
    return { ...schema, 'x-kubernetes-validations': [...rules, rule] };
  }
  const properties = (schema['properties'] ?? {}) as Record<string, Structural>;
  const inner = properties[field];
  if (inner === undefined) throw new Error(`a rule is at ${at.join('.')}, where the schema has nothing`);
  return { ...schema, properties: { ...properties, [field]: withRule(inner, rest, rule) } };
}
