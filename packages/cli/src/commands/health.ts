import type { Command } from 'commander';
import { PosternError } from '@postern/core';

/** A probe waits less than a kubelet does. */
const timeoutMs = 4000;

/** `postern health URL`: for probes of containers whose admin endpoint listens on loopback. */
export function registerHealth(root: Command): void {
  root
    .command('health')
    .description('ask an admin endpoint; exit 0 where it answers 200 (for container probes)')
    .argument('<url>', 'such as http://127.0.0.1:9153/readyz')
    .addHelpText('after', '\nExample:\n  postern health http://127.0.0.1:9153/readyz\n')
    .action(async (url: string) => {
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch((error: unknown) => {
        throw new PosternError('HEALTH', `${url} does not answer`, { cause: error });
      });
      const text = (await response.text()).trim();
      if (!response.ok) throw new PosternError('HEALTH', `${url} answers ${response.status}: ${text}`);
      process.stdout.write(`${text}\n`);
    });
}
