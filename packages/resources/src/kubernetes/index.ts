/** Resources in a Kubernetes API server: the client, the store, leadership, definitions. Its library is loaded on first use. */
export { type CallOptions, type ClusterSource, inPod, KubeApi, podNamespace } from './api.ts';
export { ClusterEditor } from './cluster-editor.ts';
export { crdName, type CustomResourceDefinition, customResourceDefinition, managedBy, managedByLabel } from './crd.ts';
export { isStatus, KubeError, KubeUnreachable } from './errors.ts';
export { type CrdReport, installCrds } from './install-crds.ts';
export { KubernetesStore, type KubernetesStoreOptions } from './kubernetes-store.ts';
export { lead, type Leadership, type LeaseOptions, NotLeading } from './lease.ts';
export type { LiveObject } from './live.ts';
