/** Frames over calls: batching, backpressure, budgets, sessions. */
export * from './batch-writer.ts';
export * from './budget.ts';
export * from './carrier.ts';
export * from './reset.ts';
export * from './settings.ts';
export * from './sweeper.ts';
export * from './tunnel-stream.ts';
export * from './control-stream.ts';
export * from './dial.ts';
export * from './errors.ts';
export * from './unary.ts';
export * from './metrics.ts';
