import type { Command } from 'commander';
import { formatDuration, UsageError } from '@postern/core';
import type { LinkReport } from '@postern/privatelink';
import { type OutputFormat, outputOption, printable, printList, printObject } from '../../io/output.ts';
import { printFolderProblems } from './folder-problems.ts';
import { addSourceOptions, sourceOf, type SourceOptions } from './options.ts';

interface Options extends SourceOptions {
  readonly output: OutputFormat;
  readonly namespace?: string;
}

/** `postern privatelink status [NAME]` */
export function addStatus(privatelink: Command): void {
  addSourceOptions(privatelink.command('status'))
    .description('show the links: conditions, ids, age, what each waits for')
    .argument('[name]', 'one of them, as NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME')
    .option('-n, --namespace <namespace>', 'only those of this namespace')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nIt reads what the controller has written down, also while that runs, and asks AWS nothing.\n\nExamples:\n  postern privatelink status --resources clusters/\n  postern privatelink status acme --resources clusters/ -o yaml\n  postern privatelink status --kubeconfig hub.kubeconfig -n clusters\n',
    )
    .action(run);
}

async function run(name: string | undefined, options: Options): Promise<void> {
  const source = await sourceOf(options);
  const { systemClock } = await import('@postern/daemon');
  const { readStatus } = await import('@postern/privatelink');
  const report = await readStatus({ source, clock: systemClock, random: Math.random });
  const { namespace, output } = options;
  const links = report.links.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  if (name === undefined) printList(links, columns, output);
  else printObject(one(links, name), output, () => details(one(links, name)));
  printFolderProblems(report);
  if (report.missingKinds.length > 0)
    process.stderr.write(
      `The cluster has no ${report.missingKinds.join(', ')}.\n  postern privatelink crds | kubectl apply --server-side -f -\n`,
    );
}

const columns: Readonly<Record<string, (link: LinkReport) => string | number>> = {
  kind: ({ kind }) => kind,
  namespace: ({ metadata }) => metadata.namespace,
  name: ({ metadata }) => metadata.name,
  ready: ({ ready }) => ready,
  reason: ({ reason }) => reason,
  endpoint: ({ link }) => link.vpcEndpointID ?? '-',
  age: ({ ageSeconds }) => formatDuration(ageSeconds * 1000),
  'waits for': ({ waitsFor }) => waitsFor || '-',
};

function one(links: readonly LinkReport[], name: string): LinkReport {
  const matches = links.filter(({ kind, metadata }) =>
    [
      metadata.name,
      `${metadata.namespace}/${metadata.name}`,
      `${kind}/${metadata.namespace}/${metadata.name}`,
    ].includes(name),
  );
  const [match, another] = matches;
  if (match === undefined)
    throw new UsageError(`there is no link ${name}`, {
      hint:
        links.length === 0 ? 'nothing here asks for one' : `there are ${links.map((l) => l.metadata.name).join(', ')}`,
    });
  if (another !== undefined)
    throw new UsageError(`${name} is the name of ${matches.length} objects`, {
      hint: `say ${matches.map(({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`).join(' or ')}`,
    });
  return match;
}

function details(link: LinkReport): string {
  const { metadata, status } = link;
  const { vpcEndpointService: service, vpcEndpointID, hostedZoneID } = link.link;
  const field = (name: string, value: string | undefined): string =>
    value === undefined || value === '' ? '' : `${`${name}:`.padEnd(14)}${printable(value)}\n`;
  const conditions = (status.conditions ?? []).map(
    ({ type, status, reason = '', message = '' }) => `  ${type}=${status}  ${reason}  ${printable(message)}\n`,
  );
  const events = link.events.map(
    ({ lastTimestamp, type, reason, message, count }) =>
      `  ${lastTimestamp}  ${type}  ${reason}  ${printable(message)}${count > 1 ? `  (${count} times)` : ''}\n`,
  );
  return [
    field('Name', `${link.kind}/${metadata.namespace}/${metadata.name}`),
    field('Ready', link.ready),
    field('Age', formatDuration(link.ageSeconds * 1000)),
    field('Being removed', metadata.deletionTimestamp),
    field('Waits for', link.waitsFor),
    field('Service', service?.name === undefined ? service?.id : `${service.id} (${service.name})`),
    field(
      'Allowed',
      [service?.defaultAllowedPrincipal, ...(service?.additionalAllowedPrincipals ?? [])]
        .filter((arn) => arn !== undefined)
        .join(', '),
    ),
    field('Endpoint', vpcEndpointID),
    field('Hosted zone', hostedZoneID),
    conditions.length === 0 ? '' : `Conditions:\n${conditions.join('')}`,
    events.length === 0 ? '' : `Events:\n${events.join('')}`,
  ].join('');
}
