import { type Clock, PosternError, UsageError } from '@postern/core';
import type { ResourceEditor } from './editor.ts';
import { FilesEditor } from './files/files-editor.ts';
import { FilesStore, type FolderReport } from './files/files-store.ts';
import { type ClusterSource, KubeApi } from './kubernetes/api.ts';
import { ClusterEditor } from './kubernetes/cluster-editor.ts';
import { KubernetesStore, type KubernetesStoreOptions } from './kubernetes/kubernetes-store.ts';
import type { ResourceKind } from './resource-kind.ts';
import type { Store } from './store.ts';

/** One way to the resources, whether they are files or objects of a cluster. */

/** Where resources live: a folder, or a cluster. */
export type StoreSource =
  | { readonly kind: 'files'; readonly folder: string; readonly stateFile?: string | undefined }
  | ({ readonly kind: 'cluster' } & ClusterSource);

export interface OpenStoreOptions {
  readonly source: StoreSource;
  readonly kinds: readonly ResourceKind[];
  readonly clock: Clock;
  readonly random: () => number;
  /** `read` looks and writes nothing (plan, status, the commands that edit); `control` is a controller's. */
  readonly mode: 'read' | 'control';
  /** Files: many may go. */
  readonly confirmPrune?: boolean;
  readonly onReport?: (report: FolderReport) => void;
  /** Cluster: who writes events; see `KubernetesStoreOptions`. */
  readonly cluster?: Partial<
    Pick<KubernetesStoreOptions, 'component' | 'instance' | 'resyncMs' | 'guard' | 'onTrouble'>
  >;
  readonly signal?: AbortSignal;
}

export interface OpenedStore {
  readonly store: Store;
  /** Changes what is wanted; writes into the files, or to the API server. */
  readonly editor: ResourceEditor;
  /** What a person should know about the folder; a cluster has its admission instead. */
  readonly report: () => FolderReport;
  /** Kinds that the cluster does not have, of those that were asked for; a folder has all. */
  readonly missingKinds: () => readonly string[];
  /** The folder or the context, for people. */
  readonly where: string;
  /** The cluster's API; undefined over files. */
  readonly api: KubeApi | undefined;
  close(): Promise<void>;
}

/** Who writes events unless told otherwise. */
const componentDefault = 'postern';

export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  return options.source.kind === 'files' ? openFiles(options, options.source) : openCluster(options, options.source);
}

async function openFiles(
  options: OpenStoreOptions,
  { folder, stateFile }: Extract<StoreSource, { kind: 'files' }>,
): Promise<OpenedStore> {
  const { kinds, clock, mode, confirmPrune = false, onReport } = options;
  const store = await FilesStore.open({
    folder,
    kinds,
    stateFile,
    clock,
    readOnly: mode === 'read',
    confirmPrune,
    ...(onReport === undefined ? {} : { onReport }),
  });
  return {
    store,
    editor: new FilesEditor(folder),
    report: () => store.report(),
    missingKinds: () => [],
    where: folder,
    api: undefined,
    close: () => store.close(),
  };
}

async function openCluster(
  options: OpenStoreOptions,
  source: Extract<StoreSource, { kind: 'cluster' }>,
): Promise<OpenedStore> {
  const { kinds, clock, random, mode, cluster, signal } = options;
  const api = await KubeApi.open(source);
  const store = await KubernetesStore.open(
    {
      api,
      kinds,
      clock,
      random,
      mode: mode === 'read' ? 'snapshot' : 'watch',
      component: componentDefault,
      ...cluster,
    },
    signal,
  );
  return {
    store,
    editor: new ClusterEditor(api),
    report: () => ({ problems: [], held: undefined }),
    missingKinds: () => store.missingKinds(),
    where: source.inCluster === true ? 'this cluster' : `context ${api.contextName}`,
    api,
    close: () => store.close(),
  };
}

/** What a person typed, as a source; exactly one of the two, or the pod's own cluster where there is one. */
export function storeSource(typed: {
  readonly resources?: string | undefined;
  readonly state?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** This process runs in a pod with an account. */
  readonly inPod: boolean;
}): StoreSource {
  const { resources, state, kubeconfig, context } = typed;
  if (resources !== undefined && resources !== '') {
    if (kubeconfig !== undefined || context !== undefined)
      throw new UsageError('--resources and --kubeconfig are two places; name one', {
        hint: 'files are --resources DIR, a cluster is --kubeconfig FILE',
      });
    return { kind: 'files', folder: resources, stateFile: state };
  }
  if (state !== undefined) throw new UsageError('--state belongs to --resources DIR; a cluster keeps its own state');
  if (kubeconfig !== undefined && kubeconfig !== '') return { kind: 'cluster', kubeconfig, context };
  if (typed.inPod) return { kind: 'cluster', inCluster: true };
  throw new UsageError('--resources DIR is missing', {
    hint: 'name the folder with the resource files, or a cluster with --kubeconfig FILE',
  });
}

/** For what a cluster alone can do. */
export function needApi({ api }: OpenedStore): KubeApi {
  if (api === undefined)
    throw new PosternError('NO_CLUSTER', 'this needs a cluster', { hint: 'give --kubeconfig FILE', exitCode: 2 });
  return api;
}
