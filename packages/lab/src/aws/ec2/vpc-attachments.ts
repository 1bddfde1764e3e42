/**
 * What keeps a VPC from being deleted: everything in it but its default group, main route table and default ACL.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html
 */
import type { Call } from '../world/call.ts';
import { kinds, type Stored } from '../world/kind.ts';

/** Kinds whose records say which VPC they lie in or hang on. */
const inVpc = [
  'subnet',
  'network-interface',
  'vpc-endpoint',
  'internet-gateway',
  'nat-gateway',
  'vpn-gateway',
  'transit-gateway-attachment',
  'load-balancer',
  'security-group',
  'route-table',
  'network-acl',
  'vpc-peering-connection',
];

interface InVpc extends Stored {
  readonly vpc?: string;
  readonly name?: string;
  readonly main?: boolean;
  readonly isDefault?: boolean;
  readonly accepter?: { readonly vpc: string };
  readonly requesterVpc?: string;
}

const ended: ReadonlySet<string> = new Set(['deleted', 'detached', 'rejected', 'failed', 'expired']);

export function attachedTo(call: Call, vpc: string): string[] {
  return inVpc.flatMap((name) => {
    const records: readonly InVpc[] = kinds.get(name)?.all(call.world) ?? [];
    return records
      .filter((record) => record.vpc === vpc && !ended.has(record.state ?? '') && !isDefault(name, record))
      .map(({ id }) => id);
  });
}

function isDefault(kind: string, record: InVpc): boolean {
  if (kind === 'security-group') return record.name === 'default';
  if (kind === 'route-table') return record.main === true;
  return kind === 'network-acl' && record.isDefault === true;
}
