/** The sandbox's kinds, for `postern schema` and editors. */
import type { Kind } from '@postern/resources';
import { waiverSchema } from './gate/waiver.ts';

const apiVersion = 'postern.dev/v1';

export const kinds: readonly Kind[] = [
  {
    apiVersion,
    kind: 'Waiver',
    description: 'an analysed finding: OpenVEX statement, owner, approver, scope, expiry',
    schema: waiverSchema,
  },
];
