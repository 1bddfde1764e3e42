/** The command tree, for tests and tools. */
export { program } from './program.ts';
