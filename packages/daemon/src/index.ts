/** What every long-running program shares: log, clock, admin endpoint, configuration files, reload, graceful end. */
export * from './admin.ts';
export * from './clock.ts';
export * from './files.ts';
export * from './lifecycle.ts';
export * from './listen-error.ts';
export * from './log.ts';
export * from './reload.ts';
export * from './small-heap.ts';
export * from './text-files.ts';
export { createPlainLogger, type PlainLogger } from './log-lines.ts';
