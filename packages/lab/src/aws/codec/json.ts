/** Writes and reads JSON by the model: ECR (json) and EKS (rest-json). Times are seconds since 1970, blobs base64. */
import type { NormalizedSchema } from '@smithy/core/schema';
import { AwsError } from '../error.ts';
import { checkMembers, ModelMismatch } from './scalar.ts';

type JsonObject = Record<string, unknown>;

export function toJson(schema: NormalizedSchema, value: unknown, path: string): unknown {
  if (schema.isStructSchema()) {
    if (typeof value !== 'object' || value === null) throw new ModelMismatch(`${path} is ${typeof value}`);
    checkMembers(schema, value, path);
    const out: JsonObject = {};
    for (const [name, member] of schema.structIterator()) {
      const item = (value as JsonObject)[name];
      if (item !== undefined) out[jsonName(name, member)] = toJson(member, item, `${path}.${name}`);
    }
    return out;
  }
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) throw new ModelMismatch(`${path} is not a list`);
    return value.map((item, i) => toJson(schema.getValueSchema(), item, `${path}[${i}]`));
  }
  if (schema.isMapSchema())
    return Object.fromEntries(
      Object.entries(value as object).map(([k, v]) => [k, toJson(schema.getValueSchema(), v, `${path}.${k}`)]),
    );
  if (schema.isTimestampSchema() && value instanceof Date) return value.getTime() / 1000;
  if (schema.isBlobSchema() && value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (schema.isBooleanSchema() && typeof value === 'boolean') return value;
  if (schema.isNumericSchema() && typeof value === 'number') return value;
  if (schema.isStringSchema() && typeof value === 'string') return value;
  throw new ModelMismatch(`${path} is ${typeof value}`);
}

export function readJson(schema: NormalizedSchema, body: string): JsonObject {
  if (body.trim() === '') return {};
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    throw new AwsError('SerializationException', 'the request body is not JSON');
  }
  return schema.isStructSchema() ? (fromJson(schema, document, '') as JsonObject) : {};
}

function fromJson(schema: NormalizedSchema, value: unknown, path: string): unknown {
  if (schema.isStructSchema()) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(path, 'an object');
    const out: JsonObject = {};
    for (const [name, member] of schema.structIterator()) {
      const item = (value as JsonObject)[jsonName(name, member)];
      if (item !== undefined && item !== null)
        out[name] = fromJson(member, item, path === '' ? name : `${path}.${name}`);
    }
    return out;
  }
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) throw wrongType(path, 'a list');
    return value.map((item, i) => fromJson(schema.getValueSchema(), item, `${path}[${i}]`));
  }
  if (schema.isMapSchema()) {
    if (typeof value !== 'object' || value === null) throw wrongType(path, 'an object');
    return Object.fromEntries(
      Object.entries(value).map(([k, v]) => [k, fromJson(schema.getValueSchema(), v, `${path}.${k}`)]),
    );
  }
  if (schema.isTimestampSchema()) return new Date(typeof value === 'number' ? value * 1000 : String(value));
  if (schema.isBlobSchema()) return new Uint8Array(Buffer.from(String(value), 'base64'));
  if (schema.isBooleanSchema() && typeof value !== 'boolean') throw wrongType(path, 'a boolean');
  if (schema.isNumericSchema() && typeof value !== 'number') throw wrongType(path, 'a number');
  if (schema.isStringSchema() && typeof value !== 'string') throw wrongType(path, 'a string');
  return value;
}

const jsonName = (name: string, member: NormalizedSchema): string => member.getMergedTraits()['jsonName'] ?? name;

const wrongType = (path: string, wanted: string): AwsError =>
  new AwsError('SerializationException', `${path === '' ? 'the body' : path} must be ${wanted}`);
