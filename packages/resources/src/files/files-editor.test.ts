/** Edits keep what people wrote beside what changed: comments, order, the bytes of other documents. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '@postern/testing';
import { z } from 'zod';
import type { EditDocument } from '../editor.ts';
import { anyKind, defineKind } from '../resource-kind.ts';
import { secretKind } from '../secret.ts';
import { FilesEditor } from './files-editor.ts';

const kind = anyKind(
  defineKind({
    apiVersion: 'test.postern.dev/v1',
    kind: 'Hub',
    description: 'A hub.',
    plural: 'hubs',
    scope: 'Cluster',
    spec: z.looseObject({ vpcs: z.array(z.looseObject({ id: z.string() })) }),
  }),
);

const text = `# a Secret first
apiVersion: v1
kind: Secret
metadata: {name: x,   namespace: hive}   # spaces as they are
---
# the hub
apiVersion: test.postern.dev/v1
kind: Hub
metadata: {name: hub}
spec:
  logLevel: debug # not ours
  # the inventory
  vpcs:
  - id: vpc-1 # first
    zones:
    - {zone: a, subnet: s-11}
  - id: vpc-2
    zones: []
  - id: vpc-9 # last
---
kind: Other
`;

const place = { namespace: '', name: 'hub' };
type Hub = EditDocument & { spec: { vpcs: object[] } };

async function edit(folder: string, change: (vpcs: object[]) => object[]): Promise<string> {
  await new FilesEditor(folder).edit(kind, place, (document) => {
    const { spec, ...rest } = document as Hub;
    return { ...rest, spec: { ...spec, vpcs: change(spec.vpcs) } };
  });
  return readFileSync(join(folder, 'all.yaml'), 'utf8');
}

test('an item comes into a list and goes again: every byte is as it was', async () => {
  using dir = temporaryDirectory();
  writeFileSync(join(dir.path, 'all.yaml'), text);
  const item = { id: 'vpc-3', zones: [{ zone: 'b', subnet: 's-31' }] };
  const with3 = await edit(dir.path, (vpcs) => vpcs.toSpliced(1, 0, item));
  assert.match(with3, /vpc-1 # first[^]*vpc-3[^]*vpc-2[^]*vpc-9 # last/);
  assert.ok(with3.includes('   # spaces as they are\n---\n# the hub'));
  assert.equal(await edit(dir.path, (vpcs) => vpcs.toSpliced(1, 1)), text);
  const changed = await edit(dir.path, (vpcs) => vpcs.with(0, { ...item, id: 'vpc-1' }));
  assert.match(changed, /vpc-1 # first\n +zones:\n +- +\{? ?zone: b/);
});

test('a document is taken out of its file, and the file with the last one', async () => {
  using dir = temporaryDirectory();
  writeFileSync(join(dir.path, 'all.yaml'), text);
  const editor = new FilesEditor(dir.path);
  assert.equal(await editor.remove(anyKind(secretKind), { namespace: 'hive', name: 'x' }), true);
  assert.equal(readFileSync(join(dir.path, 'all.yaml'), 'utf8'), text.slice(text.indexOf('# the hub')));
  assert.equal(await editor.remove(anyKind(secretKind), { namespace: 'hive', name: 'x' }), false);
});
