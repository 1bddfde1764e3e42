/** The entry of the `postern` command: builds the command tree, runs it, turns what is thrown into a message and an exit code. */
import { run } from './run.ts';

// Started by a launcher under an older Node: when that is killed, this must not live on as an orphan.
if (process.env['POSTERN_LAUNCHER'] === '1' && process.channel) {
  delete process.env['POSTERN_LAUNCHER'];
  process.on('disconnect', () => process.exit(137));
  process.channel.unref();
}
// `postern ... | head` closes the pipe early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await run(process.argv.slice(2));
