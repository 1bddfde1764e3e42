import type { Command } from 'commander';

/** `postern tunnel init` */
export function addInit(tunnel: Command): void {
  tunnel
    .command('init')
    .description('write server.yaml, policy.yaml, ca.pem and the data directory; changes nothing that exists')
    .option('--dir <dir>', 'where', '.')
    .option('--server-name <name>', "the name in the server's certificate (default: this host's name)")
    .option('--listen <address>', 'address of the tunnel port', '0.0.0.0:50050')
    .addHelpText('after', '\nExample:\n  postern tunnel init --dir tunnel --server-name tunnel.acme.example\n')
    .action(async ({ dir, serverName, listen }: { dir: string; serverName?: string; listen: string }) => {
      const { initialise } = await import('./init-files.ts');
      for (const { file, made } of initialise(dir, serverName, listen))
        process.stdout.write(`${made ? 'wrote' : 'kept '}  ${file}\n`);
      const flag = dir === '.' ? '--dir .' : `--dir ${dir}`;
      process.stdout.write(
        `\nNext:\n  postern tunnel identity create dc1@acme.example ${flag} --out dc1.json\n  postern tunnel server --config ${dir === '.' ? '' : `${dir.replace(/\/$/, '')}/`}server.yaml\n`,
      );
    });
}
