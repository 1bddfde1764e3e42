import type { Command } from 'commander';
import { aborted, terminationSignal } from '@postern/daemon';
import type { LabState, Rehearsal, StepResult } from '@postern/lab/vpn';
import { type OutputFormat, outputOption, printObject, table } from '../../io/output.ts';
import { progress } from '../../io/progress.ts';
import { vpnDesign } from './design.ts';

interface Options {
  readonly config: string;
  readonly fault: readonly string[];
  readonly failover: boolean;
  readonly hold?: boolean;
  readonly state?: string;
  readonly quiet?: boolean;
  readonly output: OutputFormat;
}

/** `postern lab vpn`: the VPN of config.yaml, for real, in network namespaces. */
export function registerLabVpn(lab: Command): void {
  lab
    .command('vpn')
    .description(
      'bring the VPN of config.yaml up in network namespaces: real IKEv2 and BGP, HTTP through it, a failover',
    )
    .requiredOption('-c, --config <file>', 'the instance’s config.yaml, or its directory')
    .option('--fault <name[=tunnel]>', 'make this fault first; may be repeated (see below)', collect, [])
    .option('--no-failover', 'leave out the cut')
    .option('--hold', 'keep it running, with both clouds’ APIs answering, until Ctrl-C')
    .option('--state <file>', 'where to write what is seen, for postern lab gcp (default: /run/postern/lab-vpn.json)')
    .option('-q, --quiet', 'no progress')
    .addOption(outputOption())
    .addHelpText('after', help)
    .action(run);
}

const help = `
Needs Linux, root and the Debian packages that it names when they are missing. Nothing of this machine's network is touched.
Keys, addresses, AS numbers and proposals come from terraform/stacks/*/cdk.tf.json beside config.yaml.

Faults of one tunnel, the first where no number is given (wrong-key=2); those marked * hit both tunnels of its connection:
wrong-key, wrong-proposal, wrong-asn*, wrong-inside, wrong-address*, wrong-identity, ikev1-only, stale-options, narrowed*,
unreachable, unfinished, gateway-failed, tunnel-absent, connection-absent*, peer-disabled, peer-absent, bgp-blocked,
stale-telemetry. Of the network: not-advertised, too-many-routes, not-propagated, static-route, router-absent,
gateway-detached, security-group.

Examples:
  postern lab vpn --config config.yaml
  postern lab vpn --config config.yaml --hold
  postern lab vpn --config config.yaml --hold --fault wrong-key=1     # then, elsewhere: postern instance verify
`;

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

async function run(options: Options): Promise<void> {
  const { parseFault, rehearse, stateFileDefault } = await import('@postern/lab/vpn');
  const { design, google, notes } = await vpnDesign(options.config);
  for (const note of notes) process.stderr.write(`${note}\n`);
  const signal = terminationSignal();
  const bar = progress({ quiet: options.quiet === true });
  try {
    const rehearsal = await rehearse({
      design,
      google,
      faults: options.fault.map((text) => parseFault(text, design.tunnels.length)),
      failover: options.failover && options.hold !== true,
      stateFile: options.state ?? (options.hold === true ? stateFileDefault : undefined),
      signal,
      startedAt: new Date().toISOString(),
      step: (text) => bar.step(text),
      done: (result) => bar.done(line(result)),
      ...(options.hold === true && { hold: (state: () => Promise<LabState>) => hold(state, signal) }),
    });
    bar.end();
    printObject(rehearsal, options.output, () => report(rehearsal));
    if (options.hold !== true && rehearsal.steps.some((step) => !step.ok)) process.exitCode = 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stderr.write('stopped\n');
    process.exitCode = 1;
  } finally {
    bar.end();
  }
}

/** Both APIs on free ports, and the lines that point gcloud, aws and verify at them. */
async function hold(state: () => Promise<LabState>, signal: AbortSignal): Promise<void> {
  const { startComputeServer, startEc2Server } = await import('@postern/lab/vpn');
  const fresh = cached(state);
  const free = { host: '127.0.0.1', port: 0 };
  const gcp = await startComputeServer(free, async () => {
    const vpn = await fresh();
    return { vpn, google: vpn.google };
  });
  const ec2 = await startEc2Server(free, fresh);
  const timer = setInterval(() => void fresh().catch(() => {}), 1000); // for whoever reads the state file
  process.stdout.write(`# the lab is up until Ctrl-C; in another shell:
export CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=http://127.0.0.1:${gcp.address.port}/compute/v1/
export CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true
export AWS_ENDPOINT_URL_EC2=http://127.0.0.1:${ec2.address.port}
export AWS_ACCESS_KEY_ID=lab AWS_SECRET_ACCESS_KEY=lab
`);
  await aborted(signal);
  clearInterval(timer);
  await Promise.all([gcp.close(), ec2.close()]);
}

/** One look at the daemons serves all that ask within half a second: a check asks ten things at once. */
function cached(state: () => Promise<LabState>): () => Promise<LabState> {
  const freshMs = 500;
  let last: Promise<LabState> | undefined;
  let atMs = 0;
  return () => {
    if (last === undefined || performance.now() - atMs > freshMs) {
      atMs = performance.now();
      last = state();
    }
    return last;
  };
}

function line({ step, ok, detail, seconds }: StepResult): string {
  return `${ok ? 'ok    ' : 'FAILED'}  ${step}: ${detail} (${seconds.toFixed(1)} s)`;
}

function report({ steps, tunnels, seconds }: Rehearsal): string {
  const stepTable = table(steps, {
    step: (row) => row.step,
    result: (row) => (row.ok ? 'ok' : 'FAILED'),
    seconds: (row) => row.seconds.toFixed(1),
    detail: (row) => row.detail,
  });
  const tunnelTable = table(tunnels, {
    tunnel: (row) => row.name,
    ike: (row) => (row.ike ? 'established' : row.trouble === 'none' ? 'down' : row.trouble),
    ipsec: (row) => (row.child ? 'installed' : 'down'),
    'bgp google': (row) => row.gcpBgp,
    'bgp aws': (row) => row.awsBgp,
    'google learned': (row) => row.gcpLearned.join(',') || '-',
    'aws learned': (row) => row.awsLearned.join(',') || '-',
  });
  return `${stepTable}\n${tunnelTable}\n${steps.filter((step) => step.ok).length} of ${steps.length} steps ok in ${seconds.toFixed(1)} s\n`;
}
