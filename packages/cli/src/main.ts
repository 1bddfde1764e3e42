/** The entry of the `postern` command: prepares the process, builds the command tree, runs it. */
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
