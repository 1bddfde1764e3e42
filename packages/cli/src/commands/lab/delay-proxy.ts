import { type Command, InvalidArgumentError } from 'commander';
import { formatDuration, parseDuration, parseHostPort, parseListen } from '@postern/core';
import { aborted, terminationSignal } from '@postern/daemon';

/** A minute one way: longer than any link, short enough that a slip (`25m`) is caught. */
const delayMsMax = 60_000;

/** `postern lab delay-proxy`: a TCP proxy that adds a delay each way. */
export function registerDelayProxy(lab: Command): void {
  lab
    .command('delay-proxy')
    .description('a TCP proxy that adds a fixed delay each way, without limiting bandwidth')
    .requiredOption('--to <host:port>', 'where to connect', to)
    .option('--listen <address>', 'where to listen; port 0 takes a free one', listen, { host: '127.0.0.1', port: 0 })
    .option('--delay <duration>', 'delay one way; a round trip costs twice this', delay, 25)
    .addHelpText(
      'after',
      '\nExamples:\n  postern lab delay-proxy --to 127.0.0.1:50050 --delay 25ms\n  postern lab delay-proxy --listen 127.0.0.1:8443 --to [::1]:443 --delay 100ms\n',
    )
    .action(async (options: { to: Address; listen: Address; delay: number }) => {
      const { startDelayProxy } = await import('@postern/lab/delay-proxy');
      const stop = terminationSignal();
      const proxy = await startDelayProxy({ listen: options.listen, to: options.to, delayMs: options.delay });
      const { host, port } = proxy.address;
      process.stdout.write(
        `listening on ${host.includes(':') ? `[${host}]` : host}:${port}, ${formatDuration(options.delay)} each way to ${options.to.host}:${options.to.port}\n`,
      );
      await aborted(stop);
      await proxy.close();
    });
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function to(text: string): Address {
  const parsed = parseHostPort(text);
  if ('reason' in parsed) throw new InvalidArgumentError(`${text} ${parsed.reason}`);
  return { host: parsed.host.kind === 'ip' ? parsed.host.ip : parsed.host.name, port: parsed.port };
}

function listen(text: string): Address {
  const parsed = parseListen(text);
  if ('reason' in parsed) throw new InvalidArgumentError(`${text} ${parsed.reason}`);
  return parsed;
}

function delay(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms > delayMsMax)
    throw new InvalidArgumentError(`${text} is not a duration up to 60s, such as 25ms`);
  return ms;
}
