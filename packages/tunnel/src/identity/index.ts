/** The peer's half of identity: its credentials, the key it makes, the proof it signs. */
export * from './credentials.ts';
export * from './key.ts';
export * from './proof.ts';
// What the server needs to check the same things.
export * from '../pki/index.ts';
