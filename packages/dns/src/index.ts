/** The dns-proxy: exactly the listed names lead elsewhere, everything else is relayed byte for byte. */
export * from './zones/config.ts';
export * from './zones/corefile.ts';
export { startDnsProxy } from './server/start.ts';
export { loadPlan, type Plan } from './server/plan.ts';
