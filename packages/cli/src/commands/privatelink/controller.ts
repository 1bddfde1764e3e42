import { type Command, InvalidArgumentError, Option } from 'commander';
import { ConfigError, type Secret } from '@postern/core';
import { addSourceOptions, parseAddress, parseCount, parseDurationOption, sourceOf } from './options.ts';
import type { SourceOptions } from './options.ts';

interface Options extends SourceOptions {
  readonly once?: boolean;
  readonly timeout: number;
  readonly confirmPrune?: boolean;
  readonly workers?: number;
  readonly resync?: number;
  readonly admin?: { readonly host: string; readonly port: number };
  readonly adminTokenFile?: string;
  readonly logLevel: string;
  readonly takeOver?: boolean;
  readonly installCrds: boolean;
  readonly leaseNamespace: string;
  readonly leaseName: string;
  readonly leaseDuration: number;
}

/** The longest that AWS takes for a link on a bad day, a few times over. */
const onceTimeoutMsDefault = 15 * 60_000;
/** As Kubernetes' own controllers have it. */
const leaseDurationMsDefault = 15_000;

/** `postern privatelink controller` */
export function addController(privatelink: Command): void {
  addSourceOptions(privatelink.command('controller'))
    .description('make the private links that the resources ask for, keep them true, remove them without leaks')
    .option('--once', 'look at everything until nothing more comes of waiting, then end')
    .addOption(
      new Option('--timeout <duration>', 'with --once: give up after this')
        .argParser(parseDurationOption)
        .default(onceTimeoutMsDefault, '15m'),
    )
    .option('--confirm-prune', 'remove the objects whose files are gone, however many they are')
    .addOption(new Option('--workers <n>', 'objects looked at side by side (default: 10)').argParser(parseCount))
    .addOption(
      new Option('--resync <duration>', 'look at ready links again after this, for drift (default: 10m)').argParser(
        parseDurationOption,
      ),
    )
    .addOption(
      new Option('--admin <address>', 'serve /metrics, /healthz and /readyz here, e.g. 127.0.0.1:9093').argParser(
        parseAddress,
      ),
    )
    .option('--admin-token-file <file>', 'bearer token of the admin endpoint; needed where it is not loopback')
    .addOption(
      new Option('--log-level <level>', 'least severity that is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .option('--take-over', "in a cluster: start although HiveConfig leaves Hive's own controller on")
    .option('--no-install-crds', 'in a cluster: do not make the definitions that are missing')
    .option(
      '--lease-namespace <namespace>',
      'in a cluster: where the lease lies by which one controller leads',
      'kube-system',
    )
    .option('--lease-name <name>', 'in a cluster: its name', 'postern-privatelink')
    .addOption(
      new Option('--lease-duration <duration>', 'in a cluster: how long a dead leader is waited for')
        .argParser(parseLeaseDuration)
        .default(leaseDurationMsDefault, '15s'),
    )
    .addHelpText('after', help)
    .action(run);
}

const help = `
Files are watched; a change takes effect within seconds. A removed file deletes its objects, links first. More than a fifth of
the objects gone in one look, an empty mount point or a file that does not parse delete nothing: see "postern privatelink status".
With --kubeconfig, or in a pod, the resources are those of the cluster. Of several controllers one leads, by a Lease; another takes
over when it is gone. Hive's own definitions are used where they are; what is missing is made, where the account may. On a hub whose
HiveConfig does not list awsprivatelink in spec.disabledControllers it refuses to start, unless --take-over. Manifests for a hub are
in packages/privatelink/manifests; "postern privatelink crds" prints the definitions.
With --once the exit code is 0 when every link is ready or gone, 1 when one is not, 2 when a file is wrong.

Examples:
  postern privatelink controller --resources clusters/
  postern privatelink controller --resources clusters/ --aws-endpoint http://127.0.0.1:4566 --once
  postern privatelink controller --resources clusters/ --admin 127.0.0.1:9093
  postern privatelink controller --kubeconfig hub.kubeconfig
`;

/** Whole seconds, which is what a Lease holds; below three a slow answer would cost the leadership. */
function parseLeaseDuration(text: string): number {
  const ms = parseDurationOption(text);
  if (ms < 3000 || ms > 600_000 || ms % 1000 !== 0)
    throw new InvalidArgumentError('It is not a whole number of seconds from 3s to 10m.');
  return ms;
}

async function run(options: Options): Promise<void> {
  const source = await sourceOf(options);
  const { keepHeapSmall, readSecretFile, systemClock, terminationSignal } = await import('@postern/daemon');
  keepHeapSmall();
  const { runController } = await import('@postern/privatelink');
  const adminToken: Secret | undefined =
    options.adminTokenFile === undefined ? undefined : readSecretFile(options.adminTokenFile, 'admin token');
  const result = await runController({
    source,
    cluster: {
      installCrds: options.installCrds,
      takeOver: options.takeOver ?? false,
      leaseNamespace: options.leaseNamespace,
      leaseName: options.leaseName,
      leaseDurationMs: options.leaseDuration,
    },
    awsEndpoint: options.awsEndpoint,
    confirmPrune: options.confirmPrune ?? false,
    once: options.once ?? false,
    onceTimeoutMs: options.timeout,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    ...(options.resync === undefined ? {} : { resyncMs: options.resync }),
    admin: options.admin,
    adminToken,
    logLevel: options.logLevel,
    clock: systemClock,
    random: Math.random,
    signal: terminationSignal(),
  });
  if (options.once !== true) return;
  if (result.verdicts.length === 0) process.stdout.write('No object asks for a private link.\n');
  for (const { key, verdict } of result.verdicts) {
    const name = [key.kind, key.namespace, key.name].filter((part) => part !== '').join('/');
    process.stdout.write(`${name}  ${verdict.state}${verdict.message === '' ? '' : `  ${verdict.message}`}\n`);
  }
  if (result.report.held !== undefined)
    process.stdout.write(
      `held: ${result.report.held.reason}: ${result.report.held.objects.join(', ')}; bring the files back, or say --confirm-prune\n`,
    );
  if (result.timedOut) process.stdout.write('gave up: not everything was settled in time\n');
  const errors = result.report.problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new ConfigError(errors);
  const unfinished = result.verdicts.some(({ verdict: { state } }) => state !== 'ready' && state !== 'idle');
  if (unfinished || result.timedOut || result.report.held !== undefined) process.exitCode = 1;
}
