/** The vocabulary every other room speaks. PURE: no sockets, files, clocks, randomness or environment. */
export * from './backoff.ts';
export * from './bytes.ts';
export * from './cidr.ts';
export * from './clock.ts';
export * from './destination.ts';
export * from './diagnostics.ts';
export * from './did-you-mean.ts';
export * from './document.ts';
export * from './duration.ts';
export * from './errors.ts';
export * from './fields.ts';
export * from './host.ts';
export * from './ip-bytes.ts';
export * from './secret.ts';
export type * from './google-design.ts';
export type * from './vpn-design.ts';
