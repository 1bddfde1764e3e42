import { type Command, InvalidArgumentError } from 'commander';
import { type ListenAddress, parseListen, UsageError } from '@postern/core';
import { aborted, terminationSignal } from '@postern/daemon';
import { vpnDesign } from './design.ts';

interface Options {
  readonly listen: ListenAddress;
  readonly state?: string;
  readonly config?: string;
  readonly down: readonly string[];
}

/** `postern lab gcp`: a compute endpoint that answers from the lab's state. */
export function registerLabGcp(lab: Command): void {
  lab
    .command('gcp')
    .description('a Google compute endpoint for gcloud and verify, answering from the state of the VPN lab')
    .option('--listen <address>', 'where to listen; port 0 takes a free one', listen, { host: '127.0.0.1', port: 0 })
    .option('--state <file>', 'what postern lab vpn writes (default: /run/postern/lab-vpn.json)')
    .option('-c, --config <file>', 'answer without a running lab: as if the VPN of this config.yaml had come up')
    .option(
      '--down <tunnel>',
      'with --config: this tunnel is down; may be repeated',
      (value, all: string[]) => [...all, value],
      [],
    )
    .addHelpText(
      'after',
      `
Examples:
  postern lab vpn --config config.yaml --hold &  postern lab gcp
  postern lab gcp --config config.yaml --down postern-vpn-tunnel-2
  postern lab gcp --listen 127.0.0.1:8090 --state /tmp/lab.json
`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { readState, startComputeServer, stateFileDefault } = await import('@postern/lab/vpn');
  const stop = terminationSignal();
  const file = options.state ?? stateFileDefault;
  const imagined = options.config === undefined ? undefined : await imagine(options.config, options.down);
  if (imagined === undefined) readState(file); // said now, and not at the first question
  const server = await startComputeServer(options.listen, () => Promise.resolve(imagined ?? readState(file)));
  const { host, port } = server.address;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  process.stdout.write(`listening on ${url}
export CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=${url}/compute/v1/
export CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true
`);
  await aborted(stop);
  await server.close();
}

async function imagine(config: string, down: readonly string[]) {
  const { imaginedState } = await import('@postern/lab/vpn');
  const { design, notes } = await vpnDesign(config);
  for (const note of notes) process.stderr.write(`${note}\n`);
  const unknown = down.find((name) => !design.tunnels.some((tunnel) => tunnel.name === name));
  if (unknown !== undefined)
    throw new UsageError(`there is no tunnel ${unknown}`, {
      hint: `one of ${design.tunnels.map(({ name }) => name).join(', ')}`,
    });
  return imaginedState(design, down, new Date().toISOString());
}

function listen(text: string): ListenAddress {
  const parsed = parseListen(text);
  if ('reason' in parsed) throw new InvalidArgumentError(`${text} ${parsed.reason}`);
  return parsed;
}
