/** What no single field can say: ranges against ranges, regions against endpoints, routes against routes. */
import { type Cidr, cidrsOverlap, type Diagnostic, formatPath, type ParsedDocument, parseCidr } from '@postern/core';
import { endpointServicePattern } from './fields.ts';
import { defaults } from './model.ts';
import type { InstanceDocument } from './schema.ts';

export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const infrastructure = ['spec', 'infrastructure'] as const;

/** Every cross-field problem. Paths are of the current spelling. */
export function crossCheck(document: InstanceDocument): Problem[] {
  return [
    ...checkRanges(document),
    ...checkHost(document),
    ...checkLinks(document),
    ...checkRoutes(document),
    ...checkConnect(document),
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

function ranges(path: readonly PropertyKey[], texts: readonly string[]): Range[] {
  return texts.flatMap((text, i) => {
    const cidr = parseCidr(text);
    return 'reason' in cidr ? [] : [{ path: [...path, i], text, cidr }];
  });
}

/**
 * The two sides must not overlap: AWS prefers its local route whatever is advertised, and Google ignores a learned route that
 * lies within one of its subnets. The default node range covers the default VPC range (and Google's own europe-west9), so a
 * defaulted node range only warns.
 */
function checkRanges({ spec }: InstanceDocument): Problem[] {
  const { gcp, privateCodeHost, vpn } = spec.infrastructure;
  const problems: Problem[] = [];
  const named = [...ranges(['gcp', 'nodeCIDRs'], gcp.nodeCIDRs ?? []), ...ranges(['gcp', 'podCIDRs'], gcp.podCIDRs)];
  for (const [i, a] of named.entries())
    for (const b of named.slice(i + 1))
      if (cidrsOverlap(a.cidr, b.cidr))
        problems.push(error(b.path, `${b.text} overlaps ${a.text} (${formatPath(a.path)})`));
  if (privateCodeHost?.enabled !== true || privateCodeHost.aws === undefined) return problems;
  const vpcText = privateCodeHost.aws.vpcCIDR ?? defaults.vpcCIDR;
  const vpcPath = ['privateCodeHost', 'aws', 'vpcCIDR'];
  const vpc = parseCidr(vpcText);
  if ('reason' in vpc) return problems;
  if (vpc.prefix < 16 || vpc.prefix > 24)
    problems.push(
      error(vpcPath, `${vpcText} must be /16 to /24: AWS takes nothing wider, and every zone gets a sixteenth of it`),
    );
  const google = [...named, ...ranges(['vpn', 'advertise'], vpn.advertise)];
  for (const range of google)
    if (cidrsOverlap(range.cidr, vpc))
      problems.push(
        error(
          privateCodeHost.aws.vpcCIDR === undefined ? range.path : vpcPath,
          `${vpcText}${privateCodeHost.aws.vpcCIDR === undefined ? ' (the default of vpcCIDR)' : ''} overlaps ${range.text} (${formatPath(range.path)}): both sides of the VPN need ranges of their own`,
        ),
      );
  if (gcp.nodeCIDRs === undefined && ranges([], defaults.nodeCIDRs).some((range) => cidrsOverlap(range.cidr, vpc)))
    problems.push(
      warning(
        ['gcp', 'nodeCIDRs'],
        `is not set; its default ${defaults.nodeCIDRs.join(', ')} covers the AWS range ${vpcText}. List the cluster's own node ranges, and make sure that none of the network's subnets lies in ${vpcText}`,
      ),
    );
  if (vpn.gcpASN === vpn.awsASN)
    problems.push(
      error(['vpn', 'awsASN'], `${vpn.awsASN} is also gcpASN; the two sides of an eBGP session need different ASNs`),
    );
  return problems;
}

function checkHost({ spec }: InstanceDocument): Problem[] {
  const host = spec.infrastructure.privateCodeHost;
  if (host?.enabled === true && host.aws === undefined)
    return [error(['privateCodeHost', 'aws'], 'is missing: enabled needs accountID and region')];
  return [];
}

function checkLinks({ spec }: InstanceDocument): Problem[] {
  const aws = spec.infrastructure.privateCodeHost?.aws;
  if (aws === undefined) return [];
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  for (const [i, link] of aws.privateLinks.entries()) {
    const path = ['privateCodeHost', 'aws', 'privateLinks', i];
    const [, region, service] = endpointServicePattern.exec(link.endpoint) ?? [];
    if (region !== undefined && region !== aws.region)
      problems.push(
        error(
          [...path, 'endpoint'],
          `lies in ${region}, the VPC in ${aws.region}: an endpoint reaches services of its own region`,
        ),
      );
    const first = seen.get(service ?? link.endpoint);
    if (first === undefined) seen.set(service ?? link.endpoint, i);
    else problems.push(error([...path, 'endpoint'], `is the endpoint of privateLinks[${first}] again`));
    for (const [j, port] of link.ports.entries())
      if (link.ports.indexOf(port) !== j) problems.push(error([...path, 'ports', j], `${port} is listed twice`));
  }
  return problems;
}

function checkRoutes({ spec }: InstanceDocument): Problem[] {
  const { routes } = spec.infrastructure.privateDNS;
  const problems: Problem[] = [];
  const bySource = new Map<string, number>();
  for (const [i, { source, destination }] of routes.entries()) {
    const path = ['privateDNS', 'routes', i];
    const first = bySource.get(source);
    if (first === undefined) bySource.set(source, i);
    else problems.push(error([...path, 'source'], `${source} has a route already (routes[${first}])`));
    if (source === destination) problems.push(error([...path, 'destination'], `${destination} is a route onto itself`));
  }
  const next = new Map(routes.map((route) => [route.source, route.destination]));
  for (const [i, { source, destination }] of routes.entries()) {
    if (source === destination || !next.has(destination)) continue;
    const path = ['privateDNS', 'routes', i, 'destination'];
    problems.push(
      leadsBack(next, source)
        ? error(path, `${destination} leads back to ${source}: a loop of routes`)
        : warning(path, `${destination} is itself a source; routes are not followed, its own addresses are used`),
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

function checkConnect({ spec }: InstanceDocument): Problem[] {
  const { connect } = spec.infrastructure;
  if (connect === undefined) return [];
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  for (const [i, rule] of connect.rules.entries()) {
    const first = names.get(rule.name);
    if (first === undefined) names.set(rule.name, i);
    else problems.push(error(['connect', 'rules', i, 'name'], `${rule.name} is the name of rules[${first}] too`));
    for (const [j, agent] of rule.agents.entries())
      if (!connect.agents.includes(agent))
        problems.push(error(['connect', 'rules', i, 'agents', j], `${agent} is not listed in connect.agents`));
  }
  for (const [i, agent] of connect.agents.entries())
    if (connect.agents.indexOf(agent) !== i) problems.push(error(['connect', 'agents', i], `${agent} is listed twice`));
  return problems;
}
