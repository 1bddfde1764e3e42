/** An instance's directory and its config.yaml: the light half of the package, without what synthesises or asks clouds. */
export * from './config/index.ts';
export { describeChange, initInstance, migrateInstance } from './generate/init.ts';
export { loadInstance } from './generate/load.ts';
export * from './generate/paths.ts';
export { kinds } from './kinds.ts';
export { type StackInfo, stackInfo, type StackName, stackNames, stacksOf } from './stacks/names.ts';
