import type { VpnDesign } from '@postern/core';
import { diagnose, endpointCauses, networkCauses, tunnelCauses, type TunnelSymptoms } from './causes.ts';
import { type Check, failed, passed } from './check.ts';
import type { AmazonEndpoint, AmazonFacts, GoogleFacts } from './facts.ts';
import { endpointSymptoms, networkSymptoms, pair, tunnelSymptoms } from './symptoms.ts';

/** Facts of both clouds -> one check a tunnel, one for the routes, one an endpoint. PURE. */

export function vpnChecks(design: VpnDesign, google: GoogleFacts, amazon: AmazonFacts): Check[] {
  return [
    ...design.tunnels.map((tunnel) => {
      const symptoms = tunnelSymptoms(design, tunnel, google, amazon);
      const { aws } = pair(design, tunnel, google, amazon);
      const detail = tunnelDetail(symptoms, google.tunnels.get(tunnel.name)?.detail, aws?.message);
      const because = diagnose(tunnelCauses, symptoms);
      return because === undefined ? passed('vpn', tunnel.name, detail) : failed('vpn', tunnel.name, detail, because);
    }),
    routes(design, google, amazon),
  ];
}

function tunnelDetail(symptoms: TunnelSymptoms, google: string | undefined, aws: string | undefined): string {
  const differing = (['outside', 'proposal', 'asn', 'inside'] as const).filter((key) => symptoms[key] === 'differ');
  return [
    `Google: ${symptoms.googleTunnel}, BGP ${symptoms.googleBgp}`,
    `AWS: IPsec ${symptoms.awsIpsec}, BGP ${symptoms.awsBgp}${aws === undefined || aws === '' ? '' : ` (${aws})`}`,
    ...(symptoms.googleTunnel === 'ESTABLISHED' || google === undefined || google === '' ? [] : [google]),
    ...(differing.length === 0 ? [] : [`differing: ${differing.join(', ')}`]),
  ].join('; ');
}

function routes(design: VpnDesign, google: GoogleFacts, amazon: AmazonFacts): Check {
  const symptoms = networkSymptoms(design, google, amazon);
  const detail = `Google learned ${list(google.learnedRanges)}; the VPC's table has ${list(amazon.routeTable?.routes ?? [])}`;
  const because = diagnose(networkCauses, symptoms);
  if (because !== undefined) return failed('vpn', 'routes', detail, because);
  if (google.learnedRanges.includes(design.vpcCIDR)) return passed('vpn', 'routes', detail);
  return failed('vpn', 'routes', detail, {
    id: 'vpc-not-learned',
    cause: `no BGP session brings ${design.vpcCIDR} to Google`,
    next: 'mend the tunnels above first',
  });
}

export function endpointChecks(design: VpnDesign, amazon: AmazonFacts): Check[] {
  return design.aws.endpoints.map((wanted) => {
    const seen = amazon.endpoints.find((one) => one.name === wanted.name);
    const symptoms = endpointSymptoms(wanted, seen);
    const detail = endpointDetail(wanted.serviceName, seen);
    const because = diagnose(endpointCauses, symptoms);
    return because === undefined
      ? passed('privatelink', wanted.name, detail)
      : failed('privatelink', wanted.name, detail, because);
  });
}

function endpointDetail(service: string, seen: AmazonEndpoint | undefined): string {
  if (seen === undefined) return `no endpoint for ${service}`;
  return [seen.id, seen.state, service, ...seen.dnsNames.slice(0, 1)].filter((part) => part !== '').join(', ');
}

function list(items: readonly string[]): string {
  return items.length === 0 ? 'nothing' : items.join(', ');
}
