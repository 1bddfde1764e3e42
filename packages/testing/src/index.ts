/** Private to the tests: probes for real programs, processes, scratch directories, waiting for conditions, compliance suites. */
export * from './cut.ts';
export * from './kube.ts';
export * from './need.ts';
export * from './process.ts';
export * from './store-compliance.ts';
export * from './temp.ts';
export * from './terraform/mirror.ts';
export * from './wait.ts';
