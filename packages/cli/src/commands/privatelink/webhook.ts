import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '@postern/core';
import { addSourceOptions, parseAddress, parseDurationOption, sourceOf, type SourceOptions } from './options.ts';

interface Named {
  readonly namespace: string;
  readonly name: string;
}

interface Options extends Omit<SourceOptions, 'awsEndpoint'> {
  readonly listen: { readonly host: string; readonly port: number };
  readonly url?: string;
  readonly service?: Named;
  readonly tlsSecret?: Named;
  readonly caFile?: string;
  readonly certificateLifetime: number;
  readonly logLevel: string;
}

/** Long enough that a broken rotation is noticed in its last third, ten days. */
const certificateLifetimeMsDefault = 30 * 86_400_000;
const checkMs = 60_000;

/** `postern privatelink webhook` */
export function addWebhook(privatelink: Command): void {
  addSourceOptions(privatelink.command('webhook'))
    .description('serve the validating admission webhook: the rules of the resource files, for a cluster')
    .addOption(
      new Option('--listen <address>', 'serve HTTPS here')
        .argParser(parseAddress)
        .default({ host: '127.0.0.1', port: 9443 }, '127.0.0.1:9443'),
    )
    .addOption(
      new Option(
        '--url <url>',
        'how the API server reaches this, where no Service does (default: the address of --listen)',
      ).argParser(parseUrl),
    )
    .addOption(
      new Option(
        '--service <namespace/name>',
        'the Service through which it does (in a pod: postern-privatelink-webhook)',
      ).argParser(parseNamed),
    )
    .addOption(
      new Option(
        '--tls-secret <namespace/name>',
        'where replicas keep their certificate together (in a pod: postern-privatelink-webhook-tls)',
      ).argParser(parseNamed),
    )
    .option('--ca-file <file>', 'write the root certificates here too; with --resources the only place')
    .addOption(
      new Option('--certificate-lifetime <duration>', 'a new certificate is made when two thirds of it have passed')
        .argParser(parseDurationOption)
        .default(certificateLifetimeMsDefault, '720h'),
    )
    .addOption(
      new Option('--log-level <level>', 'least severity that is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addHelpText('after', help)
    .action(run);
}

const help = `
It refuses what the files' own check refuses, naming the field: a region for which HiveConfig has no VPC, in whatever letter case; an
ARN that is none; a change of what Hive does not let change. It makes its certificate, renews it without a restart, and writes its
roots into ValidatingWebhookConfiguration/postern-privatelink.
It fails closed: while nobody answers, no such object is made or changed. Status, finalizers and deletions never wait for it.
Manifests for a hub, with two replicas behind a Service, are in packages/privatelink/manifests.

Examples:
  postern privatelink webhook --kubeconfig hub.kubeconfig --listen 10.0.0.5:9443
  postern privatelink webhook --kubeconfig hub.kubeconfig --listen 0.0.0.0:9443 --url https://webhook.acme.example:9443
  postern privatelink webhook --listen 0.0.0.0:9443      # in a pod, behind its Service
`;

function parseUrl(text: string): string {
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:')
    throw new InvalidArgumentError(
      'It is not a URL such as https://webhook.acme.example:9443; the API server takes no other.',
    );
  return text;
}

function parseNamed(text: string): Named {
  const match = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It is not NAMESPACE/NAME.');
  return { namespace: match[1]!, name: match[2]! };
}

async function run(options: Options): Promise<void> {
  const source = await sourceOf(options);
  const { podNamespace } = await import('@postern/resources');
  const { systemClock, terminationSignal } = await import('@postern/daemon');
  const { runWebhook } = await import('@postern/privatelink');
  if (options.url !== undefined && options.service !== undefined)
    throw new UsageError('--url and --service are two ways to this webhook; name one');
  const pod = source.kind === 'cluster' && source.inCluster === true ? podNamespace() : undefined;
  const inPod = (name: string): Named | undefined => (pod === undefined ? undefined : { namespace: pod, name });
  const service = options.service ?? (options.url === undefined ? inPod('postern-privatelink-webhook') : undefined);
  await runWebhook({
    source,
    listen: options.listen,
    reach:
      options.url !== undefined
        ? { kind: 'url', url: options.url }
        : service === undefined
          ? undefined
          : { kind: 'service', ...service },
    tlsSecret: options.tlsSecret ?? inPod('postern-privatelink-webhook-tls'),
    caFile: options.caFile,
    certificateLifetimeMs: options.certificateLifetime,
    checkMs,
    logLevel: options.logLevel,
    clock: systemClock,
    random: Math.random,
    signal: terminationSignal(),
  });
}
