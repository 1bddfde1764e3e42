import type { Command } from 'commander';
import { daemonCommand } from './daemon.ts';

/** `postern tunnel server` */
export function addServer(tunnel: Command): void {
  daemonCommand(
    tunnel
      .command('server')
      .description('run the broker: proves identities, applies policy, copies bytes, writes the audit log')
      .addHelpText(
        'after',
        '\nExample:\n  postern tunnel init --dir tunnel --server-name tunnel.acme.example\n  postern tunnel server --config tunnel/server.yaml\n\nSIGHUP, or a change of the file, reloads policy and source ranges. SIGTERM drains, then exits 0.\n',
      ),
    'tunnel-server',
    async (config, signal, log) => (await import('@postern/tunnel-server')).runServer(config, signal, log),
  );
}
