import type { Command } from 'commander';
import { UsageError } from '@postern/core';
import { progress } from '../../io/progress.ts';
import { type ClusterFlags, clusterOptions } from './cluster-options.ts';

/** `postern sandbox open BLOCK`: the running application on a local port. */
export function registerOpen(sandbox: Command): void {
  clusterOptions(
    sandbox
      .command('open')
      .description('forward a local port to a running building block, wait until it answers, print the URL')
      .argument('<block>', 'the building block'),
  )
    .option('--dir <dir>', 'the sandbox’s folder', '.')
    .option('--port <port>', 'the local port; 0 takes a free one', '18081')
    .addHelpText('after', '\nExamples:\n  postern sandbox open rest-app\n  curl http://localhost:18081/api/v1\n')
    .action(async (name: string, options: ClusterFlags & { readonly dir: string; readonly port: string }) => {
      const { Cluster, loadFiles, openBlock } = await import('@postern/sandbox');
      const { aborted, systemClock, terminationSignal } = await import('@postern/daemon');
      const port = Number(options.port);
      if (!Number.isInteger(port) || port < 0 || port > 65535)
        throw new UsageError(`--port ${options.port} is no port`);
      const { blocks } = await loadFiles([options.dir]);
      const block = blocks.find((one) => one.name === name);
      if (block === undefined)
        throw new UsageError(`there is no BuildingBlock ${name} in ${options.dir}`, {
          hint: `there are: ${blocks.map((one) => one.name).join(', ') || 'none'}`,
        });
      const signal = terminationSignal();
      const live = progress();
      const opened = await openBlock(await Cluster.open(options), block, {
        port,
        clock: systemClock,
        signal,
        step: (text) => live.step(text),
      }).finally(() => live.end());
      process.stdout.write(`${opened.url}\n`);
      process.stderr.write(`forwarding to pod ${opened.pod}; Ctrl-C ends it\n`);
      await aborted(signal);
      await opened.close();
    });
}
