/** JSON Schemas are plain draft-07, and kinds are found as people write them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '@postern/core';
import { z } from 'zod';
import { findKind, jsonSchema, type Kind, schemaFileName } from './kinds.ts';

const kind = (apiVersion: string, name: string): Kind => ({
  apiVersion,
  kind: name,
  description: 'A thing',
  schema: z.strictObject({
    name: z.string().startsWith('x'),
    size: z.string().transform((text) => text.length),
    count: z.int().default(3).describe('How many.'),
  }),
});

test('a schema is what a person writes: defaults optional, text before it is parsed, unknown keys refused', () => {
  const schema = jsonSchema(kind('postern.dev/v1', 'Thing'));
  assert.equal(schema['$schema'], 'http://json-schema.org/draft-07/schema#');
  assert.equal(schema['title'], 'Thing (postern.dev/v1)');
  assert.equal(schema['additionalProperties'], false);
  assert.deepEqual(schema['required'], ['name', 'size']);
  const properties = schema['properties'] as Record<string, Record<string, unknown>>;
  assert.equal(properties['size']!['type'], 'string');
  assert.equal(properties['count']!['default'], 3);
  assert.equal(properties['name']!['format'], undefined, 'zod’s own formats are unknown to strict validators');
});

test('a kind is found by name in any case, or with its group where two share a name', () => {
  const kinds = [kind('a/v1', 'Thing'), kind('b/v1', 'Thing'), kind('a/v1', 'Other')];
  assert.equal(findKind(kinds, 'other').kind, 'Other');
  assert.equal(findKind(kinds, 'b/v1/Thing').apiVersion, 'b/v1');
  assert.throws(() => findKind(kinds, 'Thing'), UsageError);
  assert.throws(() => findKind(kinds, 'Othr'), /did you mean Other/);
  assert.equal(schemaFileName({ apiVersion: 'a/v1', kind: 'Thing' }), 'a-v1-Thing.schema.json');
});
