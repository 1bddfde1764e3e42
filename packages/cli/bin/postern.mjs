#!/usr/bin/env node
/**
 * The command as it lies in a checkout: runs the source under this Node, or hands over to the pinned one.
 * @module
 */
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { isPinned, runNode } from '../../../tools/node.mjs';

if (isPinned()) {
  // Types are stripped once a file and not once a start. From here, in plain JavaScript, so that no start loads what strips them:
  // that alone takes 0.1 s and 27 MiB. Beside the packages rather than in the shared temporary directory, where somebody else
  // could have put code for us.
  module.enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/postern', import.meta.url)));
  await import('../src/main.ts');
} else runNode(['--disable-warning=ExperimentalWarning', fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
