/** The kinds of this package, for `postern schema` and editors. */
import type { Kind } from '@postern/resources';
import { instanceSchema } from './config/schema.ts';
import { lockSchema } from './images/reference.ts';

export const kinds: readonly Kind[] = [
  {
    apiVersion: 'postern.dev/v1',
    kind: 'Instance',
    description: 'One customer’s copy of the product and its private paths (config.yaml)',
    schema: instanceSchema,
  },
  {
    apiVersion: 'postern.dev/v1',
    kind: 'ImagesLock',
    description: 'Images by digest, as a registry gave them (images.lock.yaml)',
    schema: lockSchema,
  },
];
