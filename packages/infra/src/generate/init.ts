/** `postern instance init` and `migrate`: the two commands that write config.yaml itself. */
import { join } from 'node:path';
import { formatDiagnostic, type Diagnostic } from '@postern/core';
import { jsonSchema } from '@postern/resources';
import { migrate } from '../config/migrate.ts';
import { type ScaffoldOptions, scaffold } from '../config/scaffold.ts';
import { kinds } from '../kinds.ts';
import { readIfThere, writeWhole } from './files.ts';
import { configFile } from './paths.ts';
import { configText } from './load.ts';

const schemaFile = '.postern/instance.schema.json';

/** Writes config.yaml and the schema for editors. What exists stays as it is. Returns the files written. */
export function initInstance(dir: string, options: Omit<ScaffoldOptions, 'schema'>): string[] {
  const written: string[] = [];
  const schema = `${JSON.stringify(jsonSchema(kinds[0]!), null, 2)}\n`;
  if (readIfThere(configFile(dir)) === undefined) {
    writeWhole(configFile(dir), scaffold({ ...options, schema: `./${schemaFile}` }));
    written.push('config.yaml');
  }
  if (writeWhole(join(dir, schemaFile), schema)) written.push(schemaFile);
  return written;
}

export interface Migrated {
  readonly changed: boolean;
  readonly changes: readonly Diagnostic[];
  readonly text: string;
}

/** Rewrites older spellings in DIR/config.yaml. Nothing is written unless the new text means the same. */
export function migrateInstance(dir: string, options: { dryRun?: boolean } = {}): Migrated {
  const file = configFile(dir);
  const before = configText(dir);
  const { text, changes } = migrate(file, before);
  if (options.dryRun !== true) writeWhole(file, text);
  return { changed: text !== before, changes, text };
}

/** One line a change, without the advice to run what is running. */
export function describeChange(change: Diagnostic): string {
  return formatDiagnostic({
    ...change,
    message: change.message.replace(/ \(postern instance migrate rewrites it\)$/, ''),
  });
}
