/** An instance's directory -> what is generated from. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@postern/core';
import { type LoadedInstance, parseInstance } from '../config/load.ts';
import { readIfThere } from './files.ts';
import { configFile } from './paths.ts';

/** Reads and checks DIR/config.yaml. Throws `ConfigError` with all problems, or `UsageError` where there is no such file. */
export function loadInstance(dir: string): LoadedInstance {
  return parseInstance(configFile(dir), configText(dir));
}

export function configText(dir: string): string {
  const file = configFile(dir);
  const text = readIfThere(file);
  if (text !== undefined) return text;
  throw new UsageError(`${file} does not exist`, {
    hint: existsSync(join(dir, 'stacks'))
      ? 'name the instance’s directory, not one inside it'
      : `make one with: postern instance init ${dir}`,
  });
}
