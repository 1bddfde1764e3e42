/** The kinds of this package, for `postern schema` and editors. */
import type { Kind } from '@postern/resources';
import { instanceSchema } from './config/schema.ts';

export const kinds: readonly Kind[] = [
  {
    apiVersion: 'postern.dev/v1',
    kind: 'Instance',
    description: 'One customer’s copy of the product and its private paths (config.yaml)',
    schema: instanceSchema,
  },
];
