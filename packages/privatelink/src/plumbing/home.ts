import type { Store } from '@postern/resources';
import type { AwsPrivateLink, HiveConfigSpec, InventoryEntry } from '../kinds/hive-config.ts';
import { hubSecretLabel } from './plan/plan-enable.ts';
import type { SecretCopy } from './plan/steps.ts';

/** Where the HiveConfig and its Secrets live and can be edited: a folder of files, or a cluster. */
export interface HiveHome {
  /** For reading the objects that ask for links. */
  readonly store: Store;
  config(): Promise<HiveConfigSpec | undefined>;
  /** Changes `spec.awsPrivateLink` of the newest HiveConfig there is, and nothing else of it. */
  edit(edit: HiveEdit): Promise<void>;
  /** What OpenShift says of the cluster itself; undefined where nothing says it. */
  infrastructure(): Promise<Infrastructure | undefined>;
  secret(place: SecretCopy): Promise<SecretText | undefined>;
  putSecret(place: SecretCopy, data: SecretText['data']): Promise<void>;
  deleteSecret(place: SecretCopy): Promise<void>;
  close(): Promise<void>;
}

export interface Infrastructure {
  /** The infra id: VPCs of the cluster are tagged with it. */
  readonly name: string;
  readonly region: string;
}

export interface SecretText {
  /** Base64 by key, as a Secret has it. */
  readonly data: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export type HiveEdit =
  | { readonly kind: 'put-section'; readonly section: AwsPrivateLink }
  | { readonly kind: 'take-section' }
  /** At `index` where a new one belongs there; else the end. An entry that is there is changed in place. */
  | { readonly kind: 'put-entry'; readonly entry: InventoryEntry; readonly index: number | undefined }
  | { readonly kind: 'take-entry'; readonly vpcID: string };

/** What an edit makes of the section. */
export function applyEdit(section: AwsPrivateLink | undefined, edit: HiveEdit): AwsPrivateLink | undefined {
  if (edit.kind === 'put-section') return edit.section;
  if (edit.kind === 'take-section' || section === undefined) return undefined;
  const entries = [...(section.endpointVPCInventory ?? [])];
  const vpcID = edit.kind === 'put-entry' ? edit.entry.vpcID : edit.vpcID;
  const at = entries.findIndex((entry) => entry.vpcID === vpcID);
  if (edit.kind === 'take-entry') {
    if (at >= 0) entries.splice(at, 1);
  } else if (at >= 0) entries[at] = edit.entry;
  else entries.splice(edit.index ?? entries.length, 0, edit.entry);
  return { ...section, endpointVPCInventory: entries };
}

/** Whether a Secret is the copy that `enable` makes, by Hive's name for it and its label. */
export function isCopy(secret: SecretText): boolean {
  return secret.labels[hubSecretLabel.key] === hubSecretLabel.value;
}
