import { z } from 'zod';

/**
 * From a zod schema to the structural schema of a CustomResourceDefinition: OpenAPI v3 without what Kubernetes refuses there
 * (unions, references, `additionalProperties: false`). What a union or a refinement says is said by CEL rules beside it. PURE.
 */

export type Structural = { readonly [key: string]: unknown };

type Json = { readonly [key: string]: unknown };

export function structuralSchema(schema: z.ZodType): Structural {
  const generated = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    cycles: 'throw',
    reused: 'inline',
  });
  return structural(generated);
}

/** Whole numbers have these bounds in zod because JavaScript has them; a schema need not say so. */
const safe = new Set([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
const copied = [
  'type',
  'description',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
] as const;

function structural(json: Json): Structural {
  const { nullable, rest } = withoutNull(json);
  const result: Record<string, unknown> = {};
  for (const key of copied) if (rest[key] !== undefined && !safe.has(rest[key] as number)) result[key] = rest[key];
  if (rest['const'] !== undefined) result['enum'] = [rest['const']];
  if (rest['type'] === 'integer') result['format'] = 'int64';
  if (rest['type'] === 'object') object(rest, result);
  if (rest['type'] === 'array') result['items'] = structural((rest['items'] ?? {}) as Json);
  if (result['type'] === undefined) result['x-kubernetes-preserve-unknown-fields'] = true;
  if (nullable) result['nullable'] = true;
  return result;
}

function object(json: Json, result: Record<string, unknown>): void {
  const properties = Object.entries((json['properties'] ?? {}) as Record<string, Json>);
  if (properties.length > 0)
    result['properties'] = Object.fromEntries(properties.map(([name, value]) => [name, structural(value)]));
  const required = json['required'] as readonly string[] | undefined;
  if (required !== undefined && required.length > 0) result['required'] = required;
  const others = json['additionalProperties'] as Json | boolean | undefined;
  const open = others === true || (typeof others === 'object' && Object.keys(others).length === 0);
  if (open) result['x-kubernetes-preserve-unknown-fields'] = true;
  else if (typeof others === 'object') result['additionalProperties'] = structural(others);
}

/** `nullish` is a union with null in JSON Schema, and a flag in OpenAPI. */
function withoutNull(json: Json): { readonly nullable: boolean; readonly rest: Json } {
  const { anyOf, type, ...others } = json as { anyOf?: readonly Json[]; type?: unknown };
  if (anyOf !== undefined) {
    const left = anyOf.filter((branch) => branch['type'] !== 'null');
    const [only] = left;
    // A real union has no structural form: anything goes here, and the admission webhook knows better.
    if (left.length !== 1 || only === undefined) return { nullable: left.length < anyOf.length, rest: {} };
    const inner = withoutNull(only);
    return { nullable: true, rest: { ...others, ...inner.rest } };
  }
  if (Array.isArray(type)) {
    const types = (type as unknown[]).filter((one) => one !== 'null');
    return { nullable: types.length < type.length, rest: types.length === 1 ? { ...json, type: types[0] } : {} };
  }
  return { nullable: false, rest: json };
}
