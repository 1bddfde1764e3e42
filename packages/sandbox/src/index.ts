/** The sandbox: isolated tenants, CI trust that cannot be borrowed, a gate that decides from evidence, releases. */
export * from './adapters/evidence-files.ts';
export * from './gate/index.ts';
export * from './adapters/evaluate-files.ts';
export { kinds } from './kinds.ts';
export * from './adapters/cluster.ts';
export * from './adapters/tenants.ts';
export { loadFiles } from './adapters/files.ts';
export type { Manifest } from './baseline/labels.ts';
export type { Tenant } from './baseline/tenant.ts';
export * from './adapters/environment.ts';
export * from './adapters/projects.ts';
export * from './adapters/thumbprint.ts';
export * from './adapters/tree.ts';
export { importEnv } from './plan/import-env.ts';
export { loadResources } from './plan/load.ts';
export { scaffold } from './plan/scaffold.ts';
