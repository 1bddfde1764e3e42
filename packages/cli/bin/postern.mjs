#!/usr/bin/env node
/**
 * The command as it lies in a checkout: runs the source under this Node, or hands over to the pinned one.
 * @module
 */
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isPinned, runNode } from '../../../tools/node.mjs';

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src', 'main.ts');
if (isPinned()) await import(pathToFileURL(main).href);
else runNode(['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)]);
