/** Writing an instance's tree, and the records beside it. */
export { type Generated, generate, type GenerateOptions } from './generate.ts';
export { readOutputs, writeOutputs } from './outputs.ts';
export { forgetRemovedStack, readRemovedStacks, type RemovedStack, withoutResources } from './removed.ts';
export { type Part, parts } from './tree.ts';
