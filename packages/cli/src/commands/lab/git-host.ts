import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { errorMessage, type ListenAddress, parseListen, PosternError } from '@postern/core';
import { aborted, terminationSignal } from '@postern/daemon';

interface Options {
  readonly root: string;
  readonly listen: ListenAddress;
  readonly cert: string;
  readonly key: string;
}

/** `postern lab git-host`: a private git host over HTTPS. */
export function registerGitHost(lab: Command): void {
  lab
    .command('git-host')
    .description("serve git repositories over smart HTTPS, read only, with git's own http-backend")
    .requiredOption('--root <dir>', 'the folder with the repositories', (path) => resolve(path))
    .requiredOption('--cert <file>', 'certificate chain, PEM')
    .requiredOption('--key <file>', 'private key, PEM')
    .option('--listen <address>', 'where to listen; port 0 takes a free one', listen, { host: '127.0.0.1', port: 0 })
    .addHelpText(
      'after',
      '\nExample:\n  postern lab git-host --root ./repos --cert host.pem --key host.key --listen 127.0.0.1:8443\n',
    )
    .action(async (options: Options) => {
      const { startGitHost } = await import('@postern/lab/git-host');
      const stop = terminationSignal();
      const host = await startGitHost({
        root: options.root,
        listen: options.listen,
        certPem: read(options.cert),
        keyPem: read(options.key),
      });
      process.stderr.write(
        `${JSON.stringify({ severity: 'INFO', logger: 'git-host', listen: `${host.address.host}:${host.address.port}`, message: 'ready' })}\n`,
      );
      await aborted(stop);
      await host.close();
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new PosternError('FILE', `cannot read ${file}: ${errorMessage(error)}`, { cause: error, exitCode: 2 });
  }
}

function listen(text: string): ListenAddress {
  const parsed = parseListen(text);
  if ('reason' in parsed) throw new InvalidArgumentError(`${text} ${parsed.reason}`);
  return parsed;
}
