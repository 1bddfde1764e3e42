/** Who signs: the interface of a certificate authority, and the embedded one. */
export type * from './authority.ts';
export { openEmbeddedCa, type EmbeddedCaOptions } from './embedded.ts';
