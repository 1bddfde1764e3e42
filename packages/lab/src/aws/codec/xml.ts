/** Writes and reads XML by the model: the responses of ec2, query and rest-xml, and the request bodies of rest-xml. */
import type { NormalizedSchema } from '@smithy/core/schema';
import { XMLParser } from 'fast-xml-parser';
import { AwsError } from '../error.ts';
import { checkMembers, ModelMismatch, scalarFromText, scalarToText } from './scalar.ts';

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#xD;');
}

/** One element named `tag` holding `value`. */
export function writeElement(schema: NormalizedSchema, value: unknown, tag: string, path: string): string {
  return `<${tag}>${writeContent(schema, value, path)}</${tag}>`;
}

function writeContent(schema: NormalizedSchema, value: unknown, path: string): string {
  if (schema.isStructSchema()) return writeMembers(schema, value, path);
  if (schema.isListSchema()) {
    const element = schema.getValueSchema();
    const tag = element.getMergedTraits().xmlName ?? 'member';
    return asArray(value, path)
      .map((item, i) => writeElement(element, item, tag, `${path}[${i}]`))
      .join('');
  }
  if (schema.isMapSchema()) return writeMap(schema, value, path);
  return escapeXml(scalarToText(schema, value, path));
}

/** The members of a structure, without an element around them. */
export function writeMembers(schema: NormalizedSchema, value: unknown, path: string): string {
  if (typeof value !== 'object' || value === null) throw new ModelMismatch(`${path} is ${typeof value}`);
  checkMembers(schema, value, path);
  let out = '';
  for (const [name, member] of schema.structIterator()) {
    const item = (value as Record<string, unknown>)[name];
    if (item === undefined) continue;
    const traits = member.getMergedTraits();
    if (traits.httpHeader !== undefined || traits.httpQuery !== undefined) continue;
    const tag = traits.xmlName ?? name;
    if (traits.xmlFlattened && member.isListSchema())
      out += asArray(item, `${path}.${name}`)
        .map((one, i) => writeElement(member.getValueSchema(), one, tag, `${path}.${name}[${i}]`))
        .join('');
    else out += writeElement(member, item, tag, `${path}.${name}`);
  }
  return out;
}

function writeMap(schema: NormalizedSchema, value: unknown, path: string): string {
  if (typeof value !== 'object' || value === null) throw new ModelMismatch(`${path} is ${typeof value}`);
  const key = schema.getKeySchema().getMergedTraits().xmlName ?? 'key';
  const tag = schema.getValueSchema().getMergedTraits().xmlName ?? 'value';
  return Object.entries(value)
    .map(
      ([name, item]) =>
        `<entry><${key}>${escapeXml(name)}</${key}>${writeElement(schema.getValueSchema(), item, tag, `${path}.${name}`)}</entry>`,
    )
    .join('');
}

function asArray(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new ModelMismatch(`${path} is not a list`);
  return value;
}

/** Text stays text (an id of digits is no number), entities are decoded, no entity is expanded from a DTD. */
const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, trimValues: true, processEntities: true });

/** A request body of rest-xml, by the model. */
export function readXml(schema: NormalizedSchema, body: string): Record<string, unknown> {
  if (/<!DOCTYPE/i.test(body)) throw new AwsError('InvalidInput', 'a document type declaration is not allowed');
  let document: unknown;
  try {
    document = parser.parse(body, true);
  } catch {
    throw new AwsError('MalformedInput', 'the request body is not well-formed XML');
  }
  const root = Object.entries(document as Record<string, unknown>).find(([name]) => !name.startsWith('?'));
  return root === undefined ? {} : readStruct(schema, root[1], '');
}

function readStruct(schema: NormalizedSchema, node: unknown, path: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  if (typeof node !== 'object' || node === null) return out;
  for (const [name, member] of schema.structIterator()) {
    const tag = member.getMergedTraits().xmlName ?? name;
    const child = (node as Record<string, unknown>)[tag];
    if (child !== undefined) out[name] = readNode(member, child, path === '' ? name : `${path}.${name}`);
  }
  return out;
}

function readNode(schema: NormalizedSchema, node: unknown, path: string): unknown {
  if (schema.isStructSchema()) return readStruct(schema, node, path);
  if (schema.isListSchema()) {
    const element = schema.getValueSchema();
    const tag = element.getMergedTraits().xmlName ?? 'member';
    const items = schema.getMergedTraits().xmlFlattened ? node : (node as Record<string, unknown> | null)?.[tag];
    if (items === undefined || items === '') return [];
    return (Array.isArray(items) ? items : [items]).map((item, i) => readNode(element, item, `${path}[${i}]`));
  }
  if (typeof node !== 'string') throw new AwsError('InvalidInput', `${path} takes one value`);
  return scalarFromText(schema, node, path);
}
