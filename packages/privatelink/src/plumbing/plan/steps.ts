import type { AwsPrivateLink, InventoryEntry } from '../../kinds/hive-config.ts';
import type { RuleView, VpcRef } from './views.ts';

/** What the plumbing does, as data: shown by a dry run, done by the runner, and undone by its inverse. */
export type PlumbingStep =
  | { readonly kind: 'request-peering'; readonly from: VpcRef; readonly to: VpcRef; readonly toAccount: string }
  | { readonly kind: 'accept-peering'; readonly from: VpcRef; readonly to: VpcRef }
  | { readonly kind: 'await-peering'; readonly from: VpcRef; readonly to: VpcRef }
  | { readonly kind: 'delete-peering'; readonly from: VpcRef; readonly to: VpcRef; readonly toAccount: string }
  | { readonly kind: 'await-peering-gone'; readonly from: VpcRef; readonly to: VpcRef }
  | RouteStep<'add-route'>
  | RouteStep<'remove-route'>
  | {
      readonly kind: 'drop-dead-route';
      readonly at: VpcRef;
      readonly table: string;
      readonly destination: string;
      readonly target: string;
    }
  | RuleStep<'allow'>
  | RuleStep<'forbid'>
  | {
      readonly kind: 'put-inventory';
      readonly entry: InventoryEntry;
      readonly before: InventoryEntry | undefined;
      /** Where a new one goes; undefined: to the end. */
      readonly index: number | undefined;
    }
  | { readonly kind: 'take-inventory'; readonly entry: InventoryEntry; readonly index: number | undefined }
  | { readonly kind: 'check-unused'; readonly vpc: VpcRef }
  | { readonly kind: 'put-secret'; readonly secret: SecretCopy; readonly from: string; readonly replaces: boolean }
  | { readonly kind: 'delete-secret'; readonly secret: SecretCopy }
  | { readonly kind: 'put-section'; readonly section: AwsPrivateLink }
  | { readonly kind: 'take-section'; readonly section: AwsPrivateLink };

export interface RouteStep<Kind> {
  readonly kind: Kind;
  readonly at: VpcRef;
  readonly table: string;
  readonly destination: string;
  /** The two ends of the peering that it goes through. */
  readonly from: VpcRef;
  readonly to: VpcRef;
}

export interface RuleStep<Kind> {
  readonly kind: Kind;
  readonly at: VpcRef;
  readonly group: string;
  readonly rules: readonly RuleView[];
}

export interface SecretCopy {
  readonly namespace: string;
  readonly name: string;
}

export interface PlumbingPlan {
  readonly steps: readonly PlumbingStep[];
  /** What a person should know; none of it stops the work. */
  readonly warnings: readonly string[];
}

/**
 * Each makes at most one change, as its last call: a step that fails has changed nothing, unless the answer was lost.
 *
 * What takes a step back. A wait and a look need none; a dead route is not worth bringing back. */
export function inverse(step: PlumbingStep): readonly PlumbingStep[] {
  switch (step.kind) {
    case 'request-peering':
      return [
        { ...step, kind: 'delete-peering' },
        { kind: 'await-peering-gone', from: step.from, to: step.to },
      ];
    case 'delete-peering': {
      const { from, to } = step;
      return [
        { ...step, kind: 'request-peering' },
        { kind: 'accept-peering', from, to },
        { kind: 'await-peering', from, to },
      ];
    }
    case 'add-route':
      return [{ ...step, kind: 'remove-route' }];
    case 'remove-route':
      return [{ ...step, kind: 'add-route' }];
    case 'allow':
      return [{ ...step, kind: 'forbid' }];
    case 'forbid':
      return [{ ...step, kind: 'allow' }];
    case 'put-inventory':
      return step.before === undefined
        ? [{ kind: 'take-inventory', entry: step.entry, index: undefined }]
        : [{ kind: 'put-inventory', entry: step.before, before: step.entry, index: undefined }];
    case 'take-inventory':
      return [{ kind: 'put-inventory', entry: step.entry, before: undefined, index: step.index }];
    case 'put-section':
      return [{ ...step, kind: 'take-section' }];
    case 'take-section':
      return [{ ...step, kind: 'put-section' }];
    case 'put-secret':
      // One that was there before held older credentials of the same use; taking it away would leave none.
      return step.replaces ? [] : [{ kind: 'delete-secret', secret: step.secret }];
    case 'accept-peering':
    case 'await-peering':
    case 'await-peering-gone':
    case 'drop-dead-route':
    case 'check-unused':
    case 'delete-secret':
      return [];
  }
}

const place = ({ id, region, secretName }: VpcRef): string =>
  `${id} (${region}${secretName === undefined ? '' : `, Secret ${secretName}`})`;

function ruleText({ protocol, from, to, peer }: RuleView): string {
  const what = protocol === '-1' ? 'everything' : `${protocol} ${from === to ? from : `${from}-${to}`}`;
  return `${what} from ${peer.kind === 'cidr' ? peer.cidr : peer.groupId}`;
}

/** A step in words. */
export function explainStep(step: PlumbingStep): string {
  switch (step.kind) {
    case 'request-peering':
      return `request a peering from ${place(step.from)} to ${place(step.to)} in account ${step.toAccount}`;
    case 'accept-peering':
      return `accept the peering from ${step.from.id} in ${place(step.to)}`;
    case 'await-peering':
      return `wait until the peering between ${step.from.id} and ${step.to.id} is active`;
    case 'delete-peering':
      return `delete the peering between ${step.from.id} and ${step.to.id}`;
    case 'await-peering-gone':
      return `wait until the peering between ${step.from.id} and ${step.to.id} is gone`;
    case 'add-route':
      return `route ${step.destination} to the peering with ${step.at.id === step.from.id ? step.to.id : step.from.id}, in ${step.table} of ${place(step.at)}`;
    case 'remove-route':
      return `remove the route to ${step.destination} from ${step.table} of ${place(step.at)}`;
    case 'drop-dead-route':
      return `remove the dead route to ${step.destination} (${step.target} is gone) from ${step.table} of ${place(step.at)}`;
    case 'allow':
      return `let ${step.rules.map(ruleText).join(', ')} into ${step.group} of ${place(step.at)}`;
    case 'forbid':
      return `no longer let ${step.rules.map(ruleText).join(', ')} into ${step.group} of ${place(step.at)}`;
    case 'put-inventory':
      return `${step.before === undefined ? 'add' : 'change'} ${step.entry.vpcID} in HiveConfig spec.awsPrivateLink.endpointVPCInventory, with ${(step.entry.subnets ?? []).map(({ subnetID }) => subnetID).join(', ')}`;
    case 'take-inventory':
      return `take ${step.entry.vpcID} out of HiveConfig spec.awsPrivateLink.endpointVPCInventory`;
    case 'check-unused':
      return `look once more that nothing uses ${place(step.vpc)}`;
    case 'put-secret':
      return `${step.replaces ? 'refresh' : 'make'} the Secret ${step.secret.namespace}/${step.secret.name} from ${step.from}`;
    case 'delete-secret':
      return `delete the Secret ${step.secret.namespace}/${step.secret.name}`;
    case 'put-section':
      return `put spec.awsPrivateLink into the HiveConfig${(step.section.associatedVPCs ?? []).map(({ vpcID, region }) => `, with ${vpcID} (${region}) as an associated VPC`).join('')}`;
    case 'take-section':
      return 'take spec.awsPrivateLink out of the HiveConfig';
  }
}
