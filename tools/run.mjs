/**
 * Sets up if needed, then runs a TypeScript file under the pinned Node: `node tools/run.mjs FILE [ARG...]`.
 * @module
 */
import { join } from 'node:path';
import { root, runNode } from './node.mjs';
import { setUp } from './setup.mjs';

setUp();
const [file, ...args] = process.argv.slice(2);
runNode(['--disable-warning=ExperimentalWarning', join(root, file), ...args]);
