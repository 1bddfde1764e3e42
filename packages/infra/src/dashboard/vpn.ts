/** The VPN's section of the runbook: from the router down to the routes, both sides, in the order one looks. */
import type { AwsSide, Instance } from '../config/model.ts';
import { advertisedRanges, vpnNames } from '../stacks/awsvpn.ts';
import { tunnelPlans } from '../stacks/vpn-plan.ts';
import { command, shell, table } from './markdown.ts';

export function vpnSection(instance: Instance, aws: AwsSide): string {
  const { projectID, region } = instance.gcp;
  const plans = tunnelPlans(aws.highAvailable);
  const google = (...words: readonly string[]): string =>
    command(
      shell('gcloud', 'compute', ...words.slice(0, -1), '--project', projectID, '--region', region, words.at(-1)!),
    );
  const tunnelOf = (index: number): string => vpnNames.tunnel(index);
  return `## VPN between Google Cloud and AWS

${
  aws.highAvailable
    ? `Highly available: 2 connections, 4 tunnels, 4 BGP sessions. One connection may fail and traffic goes on.`
    : `**Not highly available**: 1 connection and 2 tunnels, both from interface 0 of the gateway. This is outside Google's 99.99 % topology, and Google's console shows reduced redundancy. Set \`highAvailable: true\` to change that.`
}

${table(
  ['tunnel', 'Google interface', 'AWS connection', 'AWS tunnel', 'inside: Google', 'inside: AWS'],
  plans.map((plan) => [
    tunnelOf(plan.index),
    String(plan.googleInterface),
    `postern-google-${plan.connection}`,
    String(plan.awsTunnel),
    `${plan.googleInside}, ASN ${instance.vpn.gcpASN}`,
    `${plan.awsInside}, ASN ${instance.vpn.awsASN}`,
  ]),
)}
### 1. Router
It advertises ${advertisedRanges(instance).join(', ') || 'nothing'} to AWS, and nothing else.

${google('routers', 'describe', vpnNames.router, '--format=flattened(name,network,bgp)')}
### 2. BGP sessions
Each must be \`UP\` and \`Established\`, and learn at least one route (${aws.vpcCIDR}).

${google(
  'routers',
  'get-status',
  vpnNames.router,
  '--format=flattened(result.bgpPeerStatus[].name, result.bgpPeerStatus[].status, result.bgpPeerStatus[].state, result.bgpPeerStatus[].ipAddress, result.bgpPeerStatus[].peerIpAddress, result.bgpPeerStatus[].numLearnedRoutes, result.bgpPeerStatus[].uptime)',
)}
### 3. Tunnels
${command(
  shell(
    'gcloud',
    'compute',
    'vpn-tunnels',
    'list',
    '--project',
    projectID,
    `--filter=name~^postern-vpn-tunnel-`,
    '--format=table(name, region.basename(), status, detailedStatus, peerIp)',
  ),
)}
### 4. Each tunnel
\`detailedStatus\` tells a wrong key from a wrong proposal from an unreachable peer.

${plans
  .map((plan) =>
    google('vpn-tunnels', 'describe', tunnelOf(plan.index), '--format=flattened(name,status,detailedStatus)'),
  )
  .join('\n')}
### 5. Dynamic routes
What Google learned from AWS:

${google('routers', 'get-status', vpnNames.router, '--format=flattened(result.bestRoutes)')}
What it advertises to AWS:

${google(
  'routers',
  'get-status',
  vpnNames.router,
  '--format=flattened(result.bgpPeerStatus[].name, result.bgpPeerStatus[].advertisedRoutes[].destRange)',
)}
### 6. The AWS side
Account ${aws.accountID}, region ${aws.region}. Telemetry of every tunnel: \`UP\`, with accepted routes.

${awsCommand(aws, instance, 'describe-vpn-connections', 'VpnConnections[].VgwTelemetry[].{Outside:OutsideIpAddress,Status:Status,Routes:AcceptedRouteCount,Message:StatusMessage,Since:LastStatusChange}')}
Routes that the VPN propagated into the VPC's table; missing ones mean BGP is down or propagation is off:

${awsCommand(aws, instance, 'describe-route-tables', "RouteTables[].Routes[?Origin=='EnableVgwRoutePropagation'].{To:DestinationCidrBlock,Via:GatewayId,State:State}[]")}
`;
}

/** Reads what carries this instance's tag, as every AWS resource of the stacks does. */
export function awsCommand(aws: AwsSide, { name }: Instance, verb: string, query: string): string {
  return command(
    shell(
      'aws',
      'ec2',
      verb,
      '--region',
      aws.region,
      '--filters',
      `Name=tag:postern.dev/instance,Values=${name}`,
      '--query',
      query,
      '--output',
      'table',
    ),
  );
}
