/** Single values as XML, forms and JSON write them. */
import type { NormalizedSchema } from '@smithy/core/schema';
import { AwsError } from '../error.ts';

/** A value from a form, an XML element, a path or a query string. */
export function scalarFromText(schema: NormalizedSchema, text: string, path: string): unknown {
  if (schema.isBooleanSchema()) {
    const lower = text.toLowerCase();
    if (lower === 'true' || lower === 'false') return lower === 'true';
    throw new AwsError('InvalidParameterValue', `Invalid value '${text}' for ${path}: expected true or false`);
  }
  if (schema.isNumericSchema()) {
    const number = Number(text);
    if (text.trim() !== '' && Number.isFinite(number)) return number;
    throw new AwsError('InvalidParameterValue', `Invalid value '${text}' for ${path}: expected a number`);
  }
  if (schema.isTimestampSchema()) {
    const date = new Date(/^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : text);
    if (!Number.isNaN(date.getTime())) return date;
    throw new AwsError('InvalidParameterValue', `Invalid value '${text}' for ${path}: expected a time`);
  }
  if (schema.isBlobSchema()) return new Uint8Array(Buffer.from(text, 'base64'));
  return text;
}

/** A value as XML text. Throws where a handler gave what the model does not allow: a defect of the simulator. */
export function scalarToText(schema: NormalizedSchema, value: unknown, path: string): string {
  if (schema.isBooleanSchema() && typeof value === 'boolean') return String(value);
  if (schema.isNumericSchema() && typeof value === 'number') return String(value);
  if (schema.isTimestampSchema() && value instanceof Date) return value.toISOString();
  if (schema.isBlobSchema() && value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (schema.isStringSchema() && typeof value === 'string') return value;
  throw new ModelMismatch(`${path} is ${typeof value}`);
}

/** A response that its service's model does not allow. Never an answer of AWS: it becomes InternalError and a mark in the journal. */
export class ModelMismatch extends Error {
  override readonly name = 'ModelMismatch';
  constructor(what: string) {
    super(`the simulator made a response its model does not know: ${what}`);
  }
}

/** The members a handler returned must all be in the model. */
export function checkMembers(schema: NormalizedSchema, value: object, path: string): void {
  const known = schema.getMemberSchemas();
  for (const [name, member] of Object.entries(value))
    if (member !== undefined && !(name in known)) throw new ModelMismatch(`${path}.${name}`);
}
