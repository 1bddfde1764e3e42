/** Kinds registry, JSON Schema export, stores. */
export * from './kinds.ts';
