import { PosternError, UsageError } from '@postern/core';
import type { AwsPrivateLink } from '../../kinds/hive-config.ts';
import type { PlumbingPlan, PlumbingStep } from './steps.ts';

/** Private links as a whole, on and off: the Secret with the hub's credentials, and the section of the HiveConfig. */

/** Hive's own name and label, so that either tool can take back what the other made. */
export const hubSecretName = 'awsprivatelink-hub-acct-creds';
export const hubSecretLabel = {
  key: 'hive.openshift.io/awsprivatelink-hub-acct-credentials',
  value: 'true',
} as const;

export interface EnableAsk {
  readonly section: AwsPrivateLink | undefined;
  readonly namespace: string;
  /** `NS/NAME` of the Secret that is copied. */
  readonly from: string;
  /** How the copy stands now. */
  readonly copy: 'absent' | 'differs' | 'equal';
  readonly hiveVpc: { readonly vpcId: string; readonly region: string };
  readonly dnsRecordType: 'Alias' | 'ARecord';
}

export function planEnable(ask: EnableAsk): PlumbingPlan {
  const { section, namespace, from, copy, hiveVpc, dnsRecordType } = ask;
  const secret = { namespace, name: hubSecretName };
  const steps: PlumbingStep[] =
    copy === 'equal' ? [] : [{ kind: 'put-secret', secret, from, replaces: copy === 'differs' }];
  if (section === undefined)
    steps.push({
      kind: 'put-section',
      section: {
        credentialsSecretRef: { name: hubSecretName },
        endpointVPCInventory: [],
        associatedVPCs: [{ region: hiveVpc.region, vpcID: hiveVpc.vpcId }],
        dnsRecordType,
      },
    });
  else {
    const differs = differences(section, ask);
    if (differs.length > 0)
      throw new PosternError('ALREADY_ENABLED', `private links are enabled already, otherwise: ${differs.join('; ')}`, {
        hint: 'edit the HiveConfig, or disable first',
      });
  }
  return { steps, warnings: [] };
}

function differences(section: AwsPrivateLink, { hiveVpc, dnsRecordType }: EnableAsk): string[] {
  const known = section.associatedVPCs?.some(({ vpcID }) => vpcID === hiveVpc.vpcId) ?? false;
  return [
    ...(section.credentialsSecretRef.name === hubSecretName
      ? []
      : [`credentialsSecretRef is ${section.credentialsSecretRef.name}`]),
    ...((section.dnsRecordType ?? 'Alias') === dnsRecordType
      ? []
      : [`dnsRecordType is ${section.dnsRecordType ?? 'Alias'}`]),
    ...(known ? [] : [`associatedVPCs lacks ${hiveVpc.vpcId}`]),
  ];
}

export interface DisableAsk {
  readonly section: AwsPrivateLink | undefined;
  readonly namespace: string;
  /** The copy that `enable` made is there, with its label. */
  readonly copied: boolean;
  /** Objects that ask for a link or still have one. */
  readonly links: readonly string[];
}

export function planDisable({ section, namespace, copied, links }: DisableAsk): PlumbingPlan {
  if (section !== undefined && links.length > 0)
    throw new PosternError('IN_USE', `private links are in use by ${list(links)}`, {
      hint: 'remove their private links first: without the HiveConfig nobody could take them away',
    });
  const inventory = (section?.endpointVPCInventory ?? []).map(({ vpcID }) => vpcID);
  if (inventory.length > 0 && (section?.associatedVPCs ?? []).length > 0)
    throw new PosternError('IN_USE', `${list(inventory)} may still be connected to the associated VPCs`, {
      hint: `run "postern privatelink endpointvpc remove ${inventory[0]}" first`,
    });
  const steps: PlumbingStep[] = section === undefined ? [] : [{ kind: 'take-section', section }];
  if (copied) steps.push({ kind: 'delete-secret', secret: { namespace, name: hubSecretName } });
  return { steps, warnings: [] };
}

/** Some of many, and how many more. */
export function list(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

/** `NS/NAME` of an option. */
export function secretPlace(text: string): { readonly namespace: string; readonly name: string } {
  const match = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?)\/([a-z0-9]([a-z0-9.-]*[a-z0-9])?)$/.exec(text);
  if (match === null)
    throw new UsageError(`--creds-secret: ${JSON.stringify(text)} is not NAMESPACE/NAME`, {
      hint: 'such as hive/hub-credentials',
    });
  return { namespace: match[1]!, name: match[3]! };
}
