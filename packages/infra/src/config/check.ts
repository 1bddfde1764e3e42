/** What no single field can say: ranges against ranges, regions against endpoints, routes against routes. */
import { type Cidr, cidrsOverlap, type Diagnostic, formatPath, type ParsedDocument, parseCidr } from '@postern/core';
import { type Facts, factsOf } from './facts.ts';
import { endpointServicePattern } from './fields.ts';
import { defaults } from './model.ts';

export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const infrastructure = ['spec', 'infrastructure'] as const;

/** Every cross-field problem of a document in the current spelling, right or wrong elsewhere. */
export function crossCheck(document: unknown): Problem[] {
  const facts = factsOf(document);
  return [
    ...checkRanges(facts),
    ...checkHost(facts),
    ...checkLinks(facts),
    ...checkRoutes(facts),
    ...checkConnect(facts),
  ];
}

/** `locate` turns a path of the current spelling into a place in the file. */
export function toDiagnostic(document: ParsedDocument, { severity, path, message }: Problem): Diagnostic {
  return { severity, file: document.file, ...document.locate(path), path: formatPath(path), message };
}

function error(path: readonly PropertyKey[], message: string): Problem {
  return { severity: 'error', path: [...infrastructure, ...path], message };
}

function warning(path: readonly PropertyKey[], message: string): Problem {
  return { ...error(path, message), severity: 'warning' };
}

interface Range {
  readonly path: readonly PropertyKey[];
  readonly text: string;
  readonly cidr: Cidr;
}

function ranges(path: readonly PropertyKey[], texts: ReadonlyArray<string | undefined>): Range[] {
  return texts.flatMap((text, i) => {
    const cidr = parseCidr(text ?? '');
    return 'reason' in cidr || text === undefined ? [] : [{ path: [...path, i], text, cidr }];
  });
}

/**
 * The two sides must not overlap: AWS prefers its local route whatever is advertised, and Google ignores a learned route that
 * lies within one of its subnets. The default node range covers the default VPC range (and Google's own europe-west9), so a
 * defaulted node range only warns.
 */
function checkRanges({ nodeCIDRs, podCIDRs, host, aws, vpn }: Facts): Problem[] {
  const named = [...ranges(['gcp', 'nodeCIDRs'], nodeCIDRs ?? []), ...ranges(['gcp', 'podCIDRs'], podCIDRs)];
  const problems = named.flatMap((a, i) =>
    named
      .slice(i + 1)
      .filter((b) => cidrsOverlap(a.cidr, b.cidr))
      .map((b) => error(b.path, `${b.text} overlaps ${a.text} (${formatPath(a.path)})`)),
  );
  if (!host.enabled || !host.hasAws) return problems;
  if (vpn.gcpASN === vpn.awsASN)
    problems.push(
      error(['vpn', 'awsASN'], `${vpn.awsASN} is also gcpASN; the two sides of an eBGP session need different ASNs`),
    );
  const vpcText = aws.vpcCIDR ?? defaults.vpcCIDR;
  const vpc = parseCidr(vpcText);
  if ('reason' in vpc) return problems;
  const vpcPath = ['privateCodeHost', 'aws', 'vpcCIDR'];
  if (vpc.prefix < 16 || vpc.prefix > 24)
    problems.push(
      error(vpcPath, `${vpcText} must be /16 to /24: AWS takes nothing wider, and every zone gets a sixteenth of it`),
    );
  const shown = `${vpcText}${aws.vpcCIDR === undefined ? ' (the default of vpcCIDR)' : ''}`;
  for (const range of [...named, ...ranges(['vpn', 'advertise'], vpn.advertise)])
    if (cidrsOverlap(range.cidr, vpc))
      problems.push(
        error(
          aws.vpcCIDR === undefined ? range.path : vpcPath,
          `${shown} overlaps ${range.text} (${formatPath(range.path)}): each side of the VPN needs ranges of its own`,
        ),
      );
  if (nodeCIDRs === undefined && ranges([], defaults.nodeCIDRs).some((range) => cidrsOverlap(range.cidr, vpc)))
    problems.push(
      warning(
        ['gcp', 'nodeCIDRs'],
        `is not set; its default ${defaults.nodeCIDRs.join(', ')} covers the AWS range ${vpcText}. List the cluster's own node ranges, and make sure that none of the network's subnets lies in ${vpcText} (an auto-mode network has one in every region, and 10.200.0.0/20 in europe-west9)`,
      ),
    );
  return problems;
}

function checkHost({ host }: Facts): Problem[] {
  if (!host.enabled || host.hasAws) return [];
  return [error(['privateCodeHost', 'aws'], 'is missing: enabled needs accountID and region')];
}

function checkLinks({ aws }: Facts): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  for (const [i, { endpoint, ports }] of aws.links.entries()) {
    const path = ['privateCodeHost', 'aws', 'privateLinks', i];
    const [, region, service] = endpointServicePattern.exec(endpoint ?? '') ?? [];
    if (region !== undefined && aws.region !== undefined && region !== aws.region)
      problems.push(
        error(
          [...path, 'endpoint'],
          `lies in ${region}, the VPC in ${aws.region}: an endpoint reaches services of its own region`,
        ),
      );
    if (service !== undefined) {
      const first = seen.get(service);
      if (first === undefined) seen.set(service, i);
      else problems.push(error([...path, 'endpoint'], `is the endpoint of privateLinks[${first}] again`));
    }
    for (const [j, port] of ports.entries())
      if (port !== undefined && ports.indexOf(port) !== j)
        problems.push(error([...path, 'ports', j], `${port} is listed twice`));
  }
  return problems;
}

function checkRoutes({ routes }: Facts): Problem[] {
  const problems: Problem[] = [];
  const bySource = new Map<string, number>();
  const next = new Map<string, string>();
  for (const [i, { source, destination }] of routes.entries()) {
    if (source === undefined) continue;
    const path = ['privateDNS', 'routes', i];
    const first = bySource.get(source);
    if (first === undefined) bySource.set(source, i);
    else problems.push(error([...path, 'source'], `${source} has a route already (routes[${first}])`));
    if (source === destination) problems.push(error([...path, 'destination'], `${destination} is a route onto itself`));
    else if (destination !== undefined) next.set(source, destination);
  }
  for (const [i, { source, destination }] of routes.entries()) {
    if (source === undefined || destination === undefined || source === destination || !next.has(destination)) continue;
    const path = ['privateDNS', 'routes', i, 'destination'];
    problems.push(
      leadsBack(next, source)
        ? error(path, `${destination} leads back to ${source}: a loop of routes`)
        : error(path, `${destination} is itself routed; routes are not followed: give its destination here`),
    );
  }
  return problems;
}

function leadsBack(next: ReadonlyMap<string, string>, start: string): boolean {
  const seen = new Set<string>();
  for (let at = next.get(start); at !== undefined && !seen.has(at); at = next.get(at)) {
    if (at === start) return true;
    seen.add(at);
  }
  return false;
}

function checkConnect({ connect }: Facts): Problem[] {
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  for (const [i, { name, agents }] of connect.rules.entries()) {
    const first = name === undefined ? undefined : names.get(name);
    if (first !== undefined)
      problems.push(error(['connect', 'rules', i, 'name'], `${name} is the name of rules[${first}] too`));
    else if (name !== undefined) names.set(name, i);
    for (const [j, agent] of agents.entries())
      if (agent !== undefined && !connect.agents.includes(agent))
        problems.push(error(['connect', 'rules', i, 'agents', j], `${agent} is not listed in connect.agents`));
  }
  for (const [i, agent] of connect.agents.entries())
    if (agent !== undefined && connect.agents.indexOf(agent) !== i)
      problems.push(error(['connect', 'agents', i], `${agent} is listed twice`));
  return problems;
}
