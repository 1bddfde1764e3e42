/** Resources: what they are, their kinds, and the stores that keep them. */
export * from './editor.ts';
export * from './files/files-editor.ts';
export * from './files/files-store.ts';
export { type GuardedObject, judgeRemovals } from './files/guard.ts';
export * from './kinds.ts';
export * from './kubernetes/index.ts';
export * from './open-store.ts';
export * from './resource-kind.ts';
export * from './resource.ts';
export * from './secret.ts';
export * from './store.ts';
