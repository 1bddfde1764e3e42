/** The forward proxy beside the product. */
export * from './forward.ts';
export * from './http-proxy.ts';
export * from './open.ts';
export * from './proxy.ts';
export * from './refusal.ts';
export * from './socks5.ts';
export { runClient } from './daemon.ts';
