import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Clock, ConfigError, PosternError } from '@postern/core';
import { FilesStore, lookAt, readResourceFile } from '@postern/resources';
import { isMap, stringify, type Document } from 'yaml';
import { hiveConfigKind, hiveConfigName, privateLinkKinds } from '../kinds/index.ts';
import {
  documentsOf,
  editDocument,
  editHiveConfig,
  isHiveConfig,
  saysWhatItMeans,
  withoutDocument,
} from './hive-yaml.ts';
import type { HiveEdit, HiveHome, Infrastructure, SecretText } from './home.ts';
import { hubSecretLabel } from './plan/plan-enable.ts';
import type { SecretCopy } from './plan/steps.ts';

/** The HiveConfig and its Secrets in a folder of YAML files, beside whatever controller works on it. */

/** Where a HiveConfig goes that no file has yet. */
const newHiveFile = 'hiveconfig';

export async function openFilesHome(options: {
  readonly folder: string;
  readonly stateFile?: string | undefined;
  readonly clock: Clock;
}): Promise<HiveHome> {
  const { folder, stateFile, clock } = options;
  const store = await FilesStore.open({ folder, kinds: privateLinkKinds, stateFile, clock, readOnly: true });
  // A broken file may be the very one that asks for a link: nothing is changed on half of what is wanted.
  const errors = store.report().problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new ConfigError(errors);
  const config = async () => (await store.get(hiveConfigKind, { namespace: '', name: hiveConfigName }))?.spec;
  return {
    store,
    async config() {
      store.look();
      return config();
    },
    async edit(edit) {
      store.look();
      editFile(folder, edit, (await config())?.awsPrivateLink ?? undefined);
      store.look();
    },
    infrastructure: async () => infrastructureIn(folder),
    secret: async (place) => readSecret(folder, place),
    putSecret: async (place, data) => writeSecret(folder, place, data),
    deleteSecret: async (place) => removeSecret(folder, place),
    close: () => store.close(),
  };
}

interface FileText {
  readonly path: string;
  readonly text: string;
}

function* filesOf(folder: string): Generator<FileText> {
  for (const file of (lookAt(folder) ?? new Map()).values()) {
    const read = readResourceFile(folder, file);
    if ('text' in read) yield { path: join(folder, file.path), text: read.text };
  }
}

function find(folder: string, which: (document: Document) => boolean): (FileText & { document: Document }) | undefined {
  for (const file of filesOf(folder))
    for (const { document } of documentsOf(file.text))
      if (isMap(document.contents) && which(document)) return { ...file, document };
  return undefined;
}

function editFile(folder: string, edit: HiveEdit, before: Parameters<typeof saysWhatItMeans>[1]): void {
  const file = find(folder, isHiveConfig);
  if (file === undefined) {
    if (edit.kind !== 'put-section') throw noHiveConfig(folder);
    const { apiVersion, kind } = hiveConfigKind;
    const config = { apiVersion, kind, metadata: { name: hiveConfigName }, spec: { awsPrivateLink: edit.section } };
    write(freeName(folder, newHiveFile), stringify(config), undefined);
    return;
  }
  const text = editDocument(file.text, isHiveConfig, (document) => editHiveConfig(document, edit));
  if (text === undefined || !saysWhatItMeans(text, before, edit))
    throw new PosternError('HIVECONFIG_EDIT', `${file.path} is written in a way that this cannot edit safely`, {
      hint: 'write spec.awsPrivateLink without anchors and merges, or make the change by hand (--dry-run shows it)',
    });
  write(file.path, text, file.text);
}

function noHiveConfig(folder: string): PosternError {
  return new PosternError('HIVECONFIG_MISSING', `no file below ${folder} has the HiveConfig as a document of its own`, {
    hint: 'run "postern privatelink enable" first',
    exitCode: 2,
  });
}

/** `NAME.yaml`, or with a number where that is taken by something else. */
function freeName(folder: string, name: string): string {
  for (let n = 1; ; n++) {
    const path = join(folder, n === 1 ? `${name}.yaml` : `${name}-${n}.yaml`);
    if (!existsSync(path)) return path;
  }
}

/** Whole or not at all, and not over what somebody else wrote meanwhile. @param before undefined: the file must be new */
function write(path: string, text: string, before: string | undefined, mode?: number): void {
  const kept = before === undefined ? (mode ?? 0o644) : statSync(path).mode & 0o777;
  // A hidden name: readers of the folder pass it over.
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const file = openSync(temporary, 'wx', kept);
  try {
    writeSync(file, text);
    fsyncSync(file);
    const now = before === undefined ? undefined : readFileSync(path, 'utf8');
    if (now !== before)
      throw new PosternError('CONFLICT', `${path} was changed by somebody else meanwhile`, {
        hint: 'run the command again',
      });
    renameSync(temporary, path);
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
}

function infrastructureIn(folder: string): Infrastructure | undefined {
  const found = find(
    folder,
    (document) =>
      document.get('kind') === 'Infrastructure' &&
      String(document.get('apiVersion')).startsWith('config.openshift.io/') &&
      document.getIn(['metadata', 'name']) === 'cluster',
  );
  return infrastructureOf(found?.document.toJSON());
}

/** Of OpenShift's `Infrastructure/cluster`. */
export function infrastructureOf(value: unknown): Infrastructure | undefined {
  const { status } = (value ?? {}) as {
    status?: { infrastructureName?: unknown; platformStatus?: { aws?: { region?: unknown } } };
  };
  const [name, region] = [status?.infrastructureName, status?.platformStatus?.aws?.region];
  return typeof name === 'string' && typeof region === 'string' ? { name, region } : undefined;
}

const isSecret =
  ({ namespace, name }: SecretCopy, exactly: boolean) =>
  (document: Document): boolean => {
    const given = document.getIn(['metadata', 'namespace']);
    return (
      document.get('kind') === 'Secret' &&
      document.getIn(['metadata', 'name']) === name &&
      (given === namespace || (!exactly && given === undefined))
    );
  };

function readSecret(folder: string, place: SecretCopy): SecretText | undefined {
  const found = find(folder, isSecret(place, true)) ?? find(folder, isSecret(place, false));
  const secret = found?.document.toJSON() as
    | {
        data?: Record<string, string> | null;
        stringData?: Record<string, string> | null;
        metadata?: { labels?: Record<string, string> | null };
      }
    | undefined;
  if (secret === undefined) return undefined;
  const plain = Object.entries(secret.stringData ?? {}).map(
    ([key, text]) => [key, Buffer.from(text).toString('base64')] as const,
  );
  return { data: { ...secret.data, ...Object.fromEntries(plain) }, labels: secret.metadata?.labels ?? {} };
}

function writeSecret(folder: string, place: SecretCopy, data: SecretText['data']): void {
  const labels = { [hubSecretLabel.key]: hubSecretLabel.value };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { ...place, labels }, type: 'Opaque', data };
  const known = find(folder, isSecret(place, true));
  if (known === undefined) {
    write(freeName(folder, place.name), stringify(secret), undefined, 0o600);
    return;
  }
  const text = editDocument(known.text, isSecret(place, true), (document) => {
    document.delete('stringData');
    document.set('data', document.createNode(data));
    document.setIn(['metadata', 'labels'], document.createNode(labels));
  });
  write(known.path, text ?? known.text, known.text);
}

function removeSecret(folder: string, place: SecretCopy): void {
  const known = find(folder, isSecret(place, true));
  if (known === undefined) return;
  const text = withoutDocument(known.text, isSecret(place, true));
  if (text === undefined) rmSync(known.path);
  else write(known.path, text, known.text);
}
