import type { Command } from 'commander';
import { daemonCommand } from './daemon.ts';

/** `postern tunnel client` */
export function addClient(tunnel: Command): void {
  daemonCommand(
    tunnel
      .command('client')
      .description('run the forward proxy beside the product: CONNECT, http://, SOCKS5, static forwards')
      .addHelpText(
        'after',
        '\nExample:\n  postern tunnel client --config client.yaml\n  curl -x http://127.0.0.1:3128 https://gitlab.internal.acme.example/\n',
      ),
    'tunnel-client',
    async (config, signal, log) => (await import('@postern/tunnel/client')).runClient(config, signal, log),
  );
}
