/** A peer's connection to the server: identity, sessions, renewal, coming back. */
export * from './certificate.ts';
export * from './link.ts';
export * from './session.ts';
