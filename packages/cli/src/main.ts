/** The entry of the `postern` command: prepares the process, builds the command tree, runs it. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Types are stripped once a file and not once a start: halves the start of a command and takes 27 MiB off every daemon. Beside the
// packages rather than in the shared temporary directory, where somebody else could have put code for us.
enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/postern'));

// Started by a launcher under an older Node: when that is killed, this must not live on as an orphan.
if (process.env['POSTERN_LAUNCHER'] === '1' && process.channel) {
  delete process.env['POSTERN_LAUNCHER'];
  process.on('disconnect', () => process.exit(137));
  process.channel.unref();
}
// `postern ... | head` closes the pipe early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const { run } = await import('./run.ts');
process.exitCode = await run(process.argv.slice(2));
