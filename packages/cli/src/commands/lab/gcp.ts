import { connect } from 'node:net';
import { type Command, InvalidArgumentError } from 'commander';
import { type ListenAddress, parseHostPort, parseListen, UsageError } from '@postern/core';
import { aborted, terminationSignal } from '@postern/daemon';
import type { ComputeState } from '@postern/lab/vpn';
import { labDesign } from './design.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

interface Options {
  readonly listen: ListenAddress;
  readonly state?: string;
  readonly config?: string;
  readonly down: readonly string[];
  readonly tunnelServer?: Place;
}

/** `postern lab gcp`: a compute endpoint that answers from the lab's state. */
export function registerLabGcp(lab: Command): void {
  lab
    .command('gcp')
    .description('a Google compute endpoint for gcloud and verify, answering from the state of the VPN lab')
    .option('--listen <address>', 'where to listen; port 0 takes a free one', listen, { host: '127.0.0.1', port: 0 })
    .option('--state <file>', 'what postern lab vpn writes (default: /run/postern/lab-vpn.json)')
    .option('-c, --config <file>', 'answer without a running lab: as if all of this config.yaml had come up')
    .option(
      '--down <tunnel>',
      'with --config: this tunnel is down; may be repeated',
      (value, all: string[]) => [...all, value],
      [],
    )
    .option('--tunnel-server <host:port>', 'the server’s reserved address is in use for as long as this accepts', place)
    .addHelpText(
      'after',
      `
Examples:
  postern lab vpn --config config.yaml --hold &  postern lab gcp
  postern lab gcp --config config.yaml --down postern-vpn-tunnel-2
  postern lab gcp --config config.yaml --tunnel-server 127.0.0.1:50050
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
  const server = await startComputeServer(options.listen, async () => {
    const tunnelServer = await running(options.tunnelServer);
    if (imagined !== undefined) return { ...imagined, tunnelServer };
    const vpn = readState(file);
    return { vpn, google: vpn.google, tunnelServer };
  });
  const { host, port } = server.address;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  process.stdout.write(`listening on ${url}
export CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=${url}/compute/v1/
export CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true
`);
  await aborted(stop);
  await server.close();
}

async function imagine(config: string, down: readonly string[]): Promise<ComputeState> {
  const { imaginedState } = await import('@postern/lab/vpn');
  const { vpn, google, notes } = await labDesign(config);
  for (const note of notes) process.stderr.write(`${note}\n`);
  if (vpn === undefined && google === undefined)
    throw new UsageError(`${config} has nothing switched on that a compute endpoint could answer for`, {
      hint: 'switch on nat, privateCodeHost or connect',
    });
  const tunnels = vpn?.tunnels.map(({ name }) => name) ?? [];
  const unknown = down.find((name) => !tunnels.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`there is no tunnel ${unknown}`, {
      hint: tunnels.length === 0 ? 'this config.yaml has no VPN' : `one of ${tunnels.join(', ')}`,
    });
  return { vpn: vpn && imaginedState(vpn, down, new Date().toISOString()), google };
}

/** The server's address while it accepts. */
function running(place: Place | undefined): Promise<string | undefined> {
  if (place === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const socket = connect(place);
    const end = (address: string | undefined): void => {
      socket.destroy();
      resolve(address);
    };
    socket.once('connect', () => end(place.host));
    socket.once('error', () => end(undefined));
  });
}

function listen(text: string): ListenAddress {
  const parsed = parseListen(text);
  if ('reason' in parsed) throw new InvalidArgumentError(`${text} ${parsed.reason}`);
  return parsed;
}

function place(text: string): Place {
  const parsed = parseHostPort(text);
  if ('reason' in parsed) throw new InvalidArgumentError(`${text} ${parsed.reason}`);
  return { host: parsed.host.kind === 'ip' ? parsed.host.ip : parsed.host.name, port: parsed.port };
}
