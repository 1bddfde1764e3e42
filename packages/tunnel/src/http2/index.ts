/** HTTP/2 as gRPC needs it, with a window for each stream. */
export * from './codes.ts';
export type * from './header-list.ts';
export { type HeaderField } from './hpack/index.ts';
export * from './memory.ts';
export * from './session.ts';
export * from './stream.ts';
export * from './turn-writes.ts';
