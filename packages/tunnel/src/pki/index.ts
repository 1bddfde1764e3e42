/** Keys, certificate requests and the DER they are written in; shared by the peers and the server. */
export * from './der-read.ts';
export * as der from './der-write.ts';
export * from './oids.ts';
export * from './spki.ts';
