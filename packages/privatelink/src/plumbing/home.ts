import { ConfigError, type Clock } from '@postern/core';
import {
  anyKind,
  defineKind,
  isStatus,
  type EditDocument,
  type OpenedStore,
  openStore,
  secretKind,
  type Store,
  type StoreSource,
} from '@postern/resources';
import { z } from 'zod';
import {
  type AwsPrivateLink,
  hiveConfigKind,
  hiveConfigName,
  type HiveConfigSpec,
  type InventoryEntry,
} from '../kinds/hive-config.ts';
import { privateLinkKinds } from '../kinds/index.ts';
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

/** OpenShift's own description of the cluster it runs; only where it is and what it is called is read. */
const infrastructureKind = anyKind(
  defineKind({
    apiVersion: 'config.openshift.io/v1',
    kind: 'Infrastructure',
    description: "OpenShift's description of its cluster.",
    plural: 'infrastructures',
    scope: 'Cluster',
    spec: z.unknown(),
  }),
);
const infrastructurePath = '/apis/config.openshift.io/v1/infrastructures/cluster';

/** What tells is its status, which an editor does not show of an object in a cluster. */
async function infrastructure({ api, editor }: OpenedStore): Promise<Infrastructure | undefined> {
  if (api === undefined)
    return infrastructureOf(await editor.read(infrastructureKind, { namespace: '', name: 'cluster' }));
  try {
    return infrastructureOf(await api.call('GET', infrastructurePath));
  } catch (error) {
    if (isStatus(error, 404)) return undefined; // not OpenShift
    throw error;
  }
}

const hiveConfig = anyKind(hiveConfigKind);
const secrets = anyKind(secretKind);
const hivePlace = { namespace: '', name: hiveConfigName };

export async function openHome(options: {
  readonly source: StoreSource;
  readonly clock: Clock;
  readonly random: () => number;
}): Promise<HiveHome> {
  const opened = await openStore({ ...options, kinds: privateLinkKinds, mode: 'read' });
  // A broken file may be the very one that asks for a link: nothing is changed on half of what is wanted.
  const errors = opened.report().problems.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return homeOver(opened);
  await opened.close();
  throw new ConfigError(errors);
}

function homeOver(opened: OpenedStore): HiveHome {
  const { store, editor } = opened;
  return {
    store,
    async config() {
      const document = await editor.read(hiveConfig, hivePlace);
      return document?.['spec'] as HiveConfigSpec | undefined;
    },
    async edit(edit) {
      await editor.edit(hiveConfig, hivePlace, (document) => edited(document, edit));
    },
    infrastructure: () => infrastructure(opened),
    secret: async (place) => secretText(await editor.read(secrets, place)),
    async putSecret({ namespace, name }, data) {
      const labels = { [hubSecretLabel.key]: hubSecretLabel.value };
      await editor.edit(secrets, { namespace, name }, (document) => {
        const start = document ?? { apiVersion: 'v1', kind: 'Secret', type: 'Opaque' };
        const { stringData: _old, ...rest } = start as EditDocument & { stringData?: unknown };
        const metadata = {
          ...document?.metadata,
          name,
          namespace,
          labels: { ...document?.metadata.labels, ...labels },
        };
        return { ...rest, metadata, data };
      });
    },
    async deleteSecret(place) {
      await editor.remove(secrets, place);
    },
    close: () => opened.close(),
  };
}

function edited(document: EditDocument | undefined, edit: HiveEdit): EditDocument | undefined {
  const { apiVersion, kind } = hiveConfigKind;
  const now = document ?? { apiVersion, kind, metadata: { name: hiveConfigName } };
  const { awsPrivateLink, ...spec } = (now['spec'] ?? {}) as { awsPrivateLink?: AwsPrivateLink | null };
  const section = applyEdit(awsPrivateLink ?? undefined, edit);
  if (document === undefined && section === undefined) return undefined;
  return { ...now, spec: section === undefined ? spec : { ...spec, awsPrivateLink: section } };
}

/** Of OpenShift's `Infrastructure/cluster`. */
function infrastructureOf(value: unknown): Infrastructure | undefined {
  const { status } = (value ?? {}) as {
    status?: { infrastructureName?: unknown; platformStatus?: { aws?: { region?: unknown } } };
  };
  const [name, region] = [status?.infrastructureName, status?.platformStatus?.aws?.region];
  return typeof name === 'string' && typeof region === 'string' ? { name, region } : undefined;
}

function secretText(document: EditDocument | undefined): SecretText | undefined {
  if (document === undefined) return undefined;
  const { data, stringData } = document as {
    data?: Record<string, string> | null;
    stringData?: Record<string, string> | null;
  };
  const plain = Object.entries(stringData ?? {}).map(
    ([key, text]) => [key, Buffer.from(text).toString('base64')] as const,
  );
  return { data: { ...data, ...Object.fromEntries(plain) }, labels: document.metadata.labels ?? {} };
}
