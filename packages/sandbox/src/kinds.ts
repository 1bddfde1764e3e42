/** The sandbox's kinds, for `postern schema` and editors. */
import type { Kind } from '@postern/resources';
import { tenantSchema } from './baseline/tenant.ts';
import { waiverSchema } from './gate/waiver.ts';

const apiVersion = 'postern.dev/v1';

export const kinds: readonly Kind[] = [
  {
    apiVersion,
    kind: 'Tenant',
    description: 'an organisation: namespaces, quota, Pod Security, egress, grants',
    schema: tenantSchema,
  },
  {
    apiVersion,
    kind: 'Waiver',
    description: 'an analysed finding: OpenVEX statement, owner, approver, scope, expiry',
    schema: waiverSchema,
  },
];
