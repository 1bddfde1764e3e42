/** The sandbox's kinds, for `postern schema` and editors. */
import type { Kind } from '@postern/resources';
import { tenantSchema } from './baseline/tenant.ts';
import { waiverSchema } from './gate/waiver.ts';
import { buildingBlockSchema } from './plan/building-block.ts';
import { projectSchema } from './plan/project.ts';
import { sandboxSchema } from './plan/sandbox.ts';

const apiVersion = 'postern.dev/v1';

export const kinds: readonly Kind[] = [
  {
    apiVersion,
    kind: 'BuildingBlock',
    description: 'a tenant’s application: chart or manifests, namespace, service',
    schema: buildingBlockSchema,
  },
  {
    apiVersion,
    kind: 'Sandbox',
    description: 'a shared environment: provider, network, nodes, CI issuers, gate policy',
    schema: sandboxSchema,
  },
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
  {
    apiVersion,
    kind: 'Project',
    description: 'a CI pipeline: who it is, from which refs, for which tenant',
    schema: projectSchema,
  },
];
