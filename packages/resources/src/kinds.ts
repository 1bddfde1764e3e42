/**
 * Kinds: what documents there are, and their JSON Schemas for editors and other programs. A package that has kinds exports them
 * as `kinds`; the command line gathers them. PURE.
 */
import { UsageError, didYouMean } from '@postern/core';
import { z } from 'zod';

export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  /** One line for `postern schema`. */
  readonly description: string;
  readonly schema: z.ZodType;
}

/** draft-07 is what every editor's YAML support reads. */
const dialect = 'draft-7';

/** The JSON Schema of what a person writes: defaults not yet filled in, text not yet parsed. */
export function jsonSchema({ apiVersion, kind, description, schema }: Kind): Record<string, unknown> {
  const generated = z.toJSONSchema(schema, { io: 'input', target: dialect, unrepresentable: 'any', cycles: 'ref' });
  const { $schema, ...rest } = plain(generated) as Record<string, unknown>;
  return { $schema, $id: schemaFileName({ apiVersion, kind }), title: `${kind} (${apiVersion})`, description, ...rest };
}

/** `postern.dev-v1-Instance.schema.json`: the same kind name may exist in two groups. */
export function schemaFileName({ apiVersion, kind }: Pick<Kind, 'apiVersion' | 'kind'>): string {
  return `${apiVersion.replaceAll('/', '-')}-${kind}.schema.json`;
}

/** By kind name, or `apiVersion/kind` where a name is not unique. */
export function findKind(kinds: readonly Kind[], name: string): Kind {
  const matches = kinds.filter(
    ({ apiVersion, kind }) => kind.toLowerCase() === name.toLowerCase() || `${apiVersion}/${kind}` === name,
  );
  const [match, another] = matches;
  if (match === undefined) {
    const names = kinds.map(({ kind }) => kind);
    const near = didYouMean(name, names);
    throw new UsageError(`there is no kind ${name}${near === undefined ? '' : `, did you mean ${near}?`}`, {
      hint: `one of ${names.join(', ')}`,
    });
  }
  if (another !== undefined)
    throw new UsageError(`${name} exists more than once`, {
      hint: `say ${matches.map(({ apiVersion, kind }) => `${apiVersion}/${kind}`).join(' or ')}`,
    });
  return match;
}

/** Strict validators refuse formats they do not know; zod writes some of its own (`starts_with`). */
const knownFormats = new Set([
  'date-time',
  'date',
  'time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
  'uuid',
]);

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(key === 'format' && typeof inner === 'string' && !knownFormats.has(inner)))
      .map(([key, inner]) => [key, plain(inner)]),
  );
}
