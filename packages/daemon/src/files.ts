import { loadDocument } from '@postern/core';
import type { z } from 'zod';
import { readText } from './text-files.ts';

/** Reads and checks a configuration file. Problems are thrown all at once (`ConfigError`), a missing file as one sentence. */
export function readConfig<T>(file: string, schema: z.ZodType<T>): T {
  return loadDocument(file, readText(file, 'configuration file'), schema);
}
