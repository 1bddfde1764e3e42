/** Writes the manifests that are made of the code. A test says when they are old. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatedManifests } from '../packages/privatelink/src/manifests.ts';

const folder = join(import.meta.dirname, '../packages/privatelink/manifests');
for (const [file, text] of generatedManifests()) {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}
