import type { VpnDesign } from '@postern/core';
import { diagnose, endpointCauses, networkCauses, tunnelCauses, type TunnelSymptoms } from './causes.ts';
import { type Check, failed, passed } from './check.ts';
import type { AmazonEndpoint, AmazonFacts, GoogleFacts } from './facts.ts';
import { endpointSymptoms, networkSymptoms, pair, tunnelSymptoms } from './symptoms.ts';

/** Facts of both clouds -> one check a tunnel, one for the routes, one an endpoint. Google's alone say a part of it. PURE. */

export function vpnChecks(design: VpnDesign, google: GoogleFacts, amazon: AmazonFacts | undefined): Check[] {
  return [
    ...design.tunnels.map((tunnel) => {
      const symptoms = tunnelSymptoms(design, tunnel, google, amazon);
      const { aws } = pair(design, tunnel, google, amazon);
      const detail = tunnelDetail(symptoms, google.tunnels.get(tunnel.name)?.detail, aws?.message);
      const because = diagnose(tunnelCauses, symptoms);
      if (because !== undefined) return failed('vpn', tunnel.name, detail, because);
      const up =
        symptoms.googleTunnel === 'ESTABLISHED' &&
        symptoms.googleBgp === 'up' &&
        ['up', 'unknown'].includes(symptoms.awsBgp);
      return up ? passed('vpn', tunnel.name, detail) : failed('vpn', tunnel.name, detail, unexplained);
    }),
    routes(design, google, amazon),
  ];
}

/** A status that this table does not know is no reason to call a tunnel sound. */
const unexplained = {
  id: 'unexplained',
  cause: 'the tunnel is not up, and what the clouds say of it fits no known cause',
  next: 'read the detail above; look at the tunnel in both consoles',
};

function tunnelDetail(symptoms: TunnelSymptoms, google: string | undefined, aws: string | undefined): string {
  const differing = (['outside', 'proposal', 'ike', 'asn', 'inside'] as const).filter(
    (key) => symptoms[key] === 'differ',
  );
  return [
    `Google: ${symptoms.googleTunnel}, BGP ${symptoms.googleBgp}`,
    symptoms.awsIpsec === 'unknown'
      ? 'AWS: not asked'
      : `AWS: IPsec ${symptoms.awsIpsec}, BGP ${symptoms.awsBgp}${aws === undefined || aws === '' ? '' : ` (${aws})`}`,
    ...(symptoms.googleTunnel === 'ESTABLISHED' || google === undefined || google === '' ? [] : [google]),
    ...(differing.length === 0 ? [] : [`differing: ${differing.join(', ')}`]),
  ].join('; ');
}

function routes(design: VpnDesign, google: GoogleFacts, amazon: AmazonFacts | undefined): Check {
  const symptoms = networkSymptoms(design, google, amazon);
  const vpc = amazon === undefined ? 'AWS: not asked' : `the VPC's table has ${list(amazon.routeTable?.routes ?? [])}`;
  const detail = `Google learned ${list(google.learnedRanges)}; ${vpc}`;
  const because = diagnose(networkCauses, symptoms);
  return because === undefined ? passed('vpn', 'routes', detail) : failed('vpn', 'routes', detail, because);
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
