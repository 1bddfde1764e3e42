import type { Command } from 'commander';
import { registerCopy } from './copy.ts';
import { registerLock } from './lock.ts';

/** `postern images ...`: which image an instance runs, and where it lies. */
export function registerImages(root: Command): void {
  const images = root
    .command('images')
    .description('the image of an instance: pin its digest, copy it to its own registry');
  registerLock(images);
  registerCopy(images);
}
