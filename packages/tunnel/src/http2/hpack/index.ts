/** Header compression for HTTP/2 (RFC 7541). PURE. */
export * from './decoder.ts';
export * from './encoder.ts';
export * from './errors.ts';
export type { HeaderField } from './header-field.ts';
