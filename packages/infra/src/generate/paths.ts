/** Where things lie in an instance's directory. */
import { join } from 'node:path';
import type { StackName } from '../stacks/names.ts';

export const configFile = (dir: string): string => join(dir, 'config.yaml');
export const stackDir = (dir: string, stack: StackName): string => join(dir, 'terraform', 'stacks', stack);
/** Local state, beside the generated tree and never inside it. */
export const stateDir = (dir: string): string => join(dir, 'state');
export const removedStacksFile = (dir: string): string => join(dir, 'stacks.removed.yaml');
/** What the stacks gave, gathered by `deploy` and read by `generate`. */
export const outputsFile = (dir: string): string => join(dir, 'outputs.yaml');
export const imagesLockFile = (dir: string): string => join(dir, 'images.lock.yaml');
/** Which files were generated, so that the next run removes those that are no longer wanted. */
export const manifestFile = (dir: string): string => join(dir, '.postern', 'generated.yaml');
