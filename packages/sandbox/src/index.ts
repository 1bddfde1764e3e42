/** The sandbox: isolated tenants, CI trust that cannot be borrowed, a gate that decides from evidence, releases. */
export * from './adapters/evidence-files.ts';
export * from './gate/index.ts';
export * from './adapters/evaluate-files.ts';
export { kinds } from './kinds.ts';
