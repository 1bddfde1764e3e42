/** Generated code is what its generator gives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readSchemas, target } from './generate.ts';
import { bindings } from './render.ts';
import { wanted } from './wanted.ts';

test('the bindings are what the committed schemas give', () => {
  assert.equal(readFileSync(target, 'utf8'), bindings(readSchemas()), 'run tools/bindings/generate.ts');
});

test('the schemas hold exactly the resources that are wanted, at the pinned versions', () => {
  for (const schema of readSchemas()) {
    const want = wanted[schema.source.split('/')[1]!]!;
    assert.equal(schema.version, want.version);
    assert.deepEqual(
      Object.keys(schema.resources).toSorted(),
      want.resources.toSorted(),
      'run tools/bindings/extract.ts',
    );
    assert.deepEqual(Object.keys(schema.data).toSorted(), want.data.toSorted());
  }
});
