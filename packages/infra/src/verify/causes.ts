/**
 * The decision table: symptoms on both sides -> the likely cause and the next step. DATA: the first row whose every symptom is
 * among the values it lists is the answer, so the more particular row stands first. `lab` names the fault of the lab with which a
 * test provokes the row for real: of `postern lab vpn`, or (`aws: ...`) what happens to the endpoint in `postern lab aws`.
 */

/** What is seen of one tunnel. A symptom that could not be read is `unknown` and matches no row that asks for it. */
export interface TunnelSymptoms {
  /** Cloud VPN's status, or `absent`. */
  readonly googleTunnel: string;
  readonly awsIpsec: 'up' | 'down' | 'absent' | 'unknown';
  readonly googleBgp: 'up' | 'down' | 'disabled' | 'absent';
  readonly awsBgp: 'up' | 'down' | 'absent' | 'unknown';
  /** Whether each side names the other's outside addresses. */
  readonly outside: Agreement;
  /** Whether AWS asks for what the stack says. */
  readonly proposal: Agreement;
  /** Whether AWS takes the IKE version that Google speaks. */
  readonly ike: Agreement;
  readonly asn: Agreement;
  readonly inside: Agreement;
  /** Routes of the other side. */
  readonly googleLearned: 'some' | 'none';
  readonly awsLearned: 'some' | 'none' | 'unknown';
  /** What the Cloud Router advertises, against what AWS takes from one customer gateway. */
  readonly ranges: 'fit' | 'too many';
}

export interface NetworkSymptoms {
  readonly router: 'there' | 'absent';
  readonly vpnGateway: 'attached' | 'detached' | 'absent' | 'unknown';
  /** What the Cloud Router advertises, against the stack. */
  readonly advertised: 'all' | 'missing' | 'unknown';
  readonly propagation: 'on' | 'off' | 'absent' | 'unknown';
  /** Our ranges in the VPC's route table. */
  readonly awsRoutes: 'all' | 'missing' | 'unknown';
  readonly anyBgp: 'up' | 'down';
  /** Whether Google has a route to the VPC. */
  readonly vpcLearned: 'yes' | 'no';
}

export interface EndpointSymptoms {
  /** AWS's state in lower case (`pendingacceptance`), or `absent`. */
  readonly endpoint: string;
  readonly group: 'open' | 'closed' | 'unknown';
  readonly privateDns: 'as designed' | 'off' | 'on';
}

export type Agreement = 'agree' | 'differ' | 'unknown';

export interface Cause<S> {
  readonly id: string;
  readonly when: { readonly [K in keyof S]?: readonly S[K][] };
  readonly cause: string;
  readonly next: string;
  readonly lab: string;
}

export const tunnelCauses: readonly Cause<TunnelSymptoms>[] = [
  {
    id: 'tunnel-absent',
    when: { googleTunnel: ['absent'] },
    cause: 'the tunnel does not exist in Google Cloud',
    next: 'postern instance deploy --target awsvpn',
    lab: 'tunnel-absent',
  },
  {
    id: 'connection-absent',
    when: { awsIpsec: ['absent'] },
    cause: 'the VPN connection, or this tunnel of it, does not exist in AWS',
    next: 'postern instance deploy --target awsvpn',
    lab: 'connection-absent',
  },
  {
    id: 'wrong-address',
    when: { outside: ['differ'], awsIpsec: ['down'] },
    cause: 'the customer gateway in AWS does not name the HA VPN gateway’s address, or Google’s tunnel not AWS’s',
    next: 'compare the outside addresses above, then postern instance deploy --target awsvpn; a changed gateway needs new customer gateways',
    lab: 'wrong-address',
  },
  {
    id: 'wrong-identity',
    when: { googleTunnel: ['PEER_IDENTITY_MISMATCH'] },
    cause: 'the peer identifies itself with another address than the one Google dials, as one behind a NAT does',
    next: 'AWS identifies itself with the tunnel’s outside address: compare it with the external gateway’s interface, then postern instance deploy --target awsvpn',
    lab: 'wrong-identity',
  },
  {
    id: 'wrong-proposal',
    when: { googleTunnel: ['NEGOTIATION_FAILURE'], proposal: ['differ'] },
    cause: 'AWS asks for other algorithms than the stack says, and Cloud VPN does not offer them',
    next: 'postern instance plan --target awsvpn shows which; deploy sets them back',
    lab: 'wrong-proposal',
  },
  {
    id: 'wrong-ike-version',
    when: { googleTunnel: ['NEGOTIATION_FAILURE'], ike: ['differ'] },
    cause: 'AWS does not take the IKE version that Google speaks',
    next: 'postern instance deploy --target awsvpn sets the tunnel options back to IKEv2',
    lab: 'ikev1-only',
  },
  {
    id: 'proposal-refused',
    when: { googleTunnel: ['NEGOTIATION_FAILURE'] },
    cause:
      'AWS refuses every proposal of Google’s, and nothing that could be read of its options says why: it may still be applying a change of them',
    next: 'run this again in five minutes; then replace the tunnel: aws ec2 replace-vpn-tunnel',
    lab: 'stale-options',
  },
  {
    id: 'wrong-key',
    when: { googleTunnel: ['AUTHORIZATION_ERROR'] },
    cause: 'the pre-shared keys of the two sides differ',
    next: 'postern instance deploy --target awsvpn writes the same key to both sides again; if a key was changed by hand, taint random_password of this tunnel first',
    lab: 'wrong-key',
  },
  {
    id: 'unreachable',
    when: { googleTunnel: ['NO_INCOMING_PACKETS', 'NETWORK_ERROR'] },
    cause: 'no packet of the AWS end arrives: the address is wrong, AWS maintains the tunnel, or the path is cut',
    next: 'look at AWS Health for maintenance; wait five minutes; then replace the tunnel: aws ec2 replace-vpn-tunnel',
    lab: 'unreachable',
  },
  {
    id: 'negotiating',
    when: { googleTunnel: ['FIRST_HANDSHAKE', 'WAITING_FOR_FULL_CONFIG', 'PROVISIONING', 'ALLOCATING_RESOURCES'] },
    cause: 'the tunnel is being made or negotiated, or waits for the rest of its configuration',
    next: 'run this again in a minute; if it stays so, postern instance deploy --target awsvpn',
    lab: 'unfinished',
  },
  {
    id: 'narrowed',
    when: { googleTunnel: ['TS_NARROWING_NOT_ALLOWED'] },
    cause:
      'the VPN connection’s local or remote network in AWS is narrower than 0.0.0.0/0, and an HA VPN gateway takes no narrower selectors',
    next: 'aws ec2 modify-vpn-connection-options with both networks 0.0.0.0/0, or postern instance deploy --target awsvpn',
    lab: 'narrowed',
  },
  {
    id: 'tunnel-broken',
    when: { googleTunnel: ['FAILED', 'REJECTED', 'STOPPED', 'DEPROVISIONING'] },
    cause: 'Google gave the tunnel up',
    next: 'the detail above is Google’s own; postern instance deploy --target awsvpn makes it again',
    lab: 'gateway-failed',
  },
  {
    id: 'wrong-asn',
    when: { asn: ['differ'], googleBgp: ['down', 'absent'] },
    cause: 'the two sides do not name each other’s AS number: BGP refuses the peer',
    next: 'compare router asn, peer asn, customer gateway and VPN gateway; set spec.infrastructure.vpn, generate, deploy',
    lab: 'wrong-asn',
  },
  {
    id: 'wrong-inside',
    when: { inside: ['differ'], googleBgp: ['down', 'absent'] },
    cause: 'the inside addresses do not match: the router’s interface is not in AWS’s inside range',
    next: 'postern instance plan --target awsvpn shows which side was changed; deploy sets it back',
    lab: 'wrong-inside',
  },
  {
    id: 'bgp-disabled',
    when: { googleBgp: ['disabled'] },
    cause: 'the BGP peer is switched off on the Cloud Router',
    next: 'gcloud compute routers update-bgp-peer with --enabled',
    lab: 'peer-disabled',
  },
  {
    id: 'bgp-peer-absent',
    when: { googleBgp: ['absent'] },
    cause: 'the Cloud Router has no BGP peer for this tunnel',
    next: 'postern instance deploy --target awsvpn',
    lab: 'peer-absent',
  },
  {
    id: 'too-many-routes',
    when: { googleBgp: ['down'], ranges: ['too many'] },
    cause: 'the Cloud Router advertises more than the 100 ranges that AWS takes: AWS closes every session',
    next: 'advertise fewer, wider ranges: spec.infrastructure.vpn.advertise, generate, deploy',
    lab: 'too-many-routes',
  },
  {
    id: 'bgp-down',
    when: { googleTunnel: ['ESTABLISHED'], googleBgp: ['down'] },
    cause:
      'IPsec is up and the BGP parameters agree, and BGP is down all the same: a session just lost, or its packets are',
    next: 'wait for the hold time (30 s) and run this again; then replace the tunnel: aws ec2 replace-vpn-tunnel',
    lab: 'bgp-blocked',
  },
  {
    id: 'one-sided',
    when: { googleBgp: ['up'], awsBgp: ['down'] },
    cause: 'Google sees BGP up and AWS does not: AWS’s telemetry lags by some minutes',
    next: 'run this again in five minutes',
    lab: 'stale-telemetry',
  },
  {
    id: 'aws-advertises-nothing',
    when: { googleBgp: ['up'], googleLearned: ['none'] },
    cause: 'BGP is up and Google learned nothing: the VPN gateway is not attached to the VPC',
    next: 'postern instance deploy --target awsvpn',
    lab: 'gateway-detached',
  },
  {
    id: 'not-advertised',
    when: { awsBgp: ['up'], awsLearned: ['none'] },
    cause: 'BGP is up and AWS learned nothing: the Cloud Router advertises no range',
    next: 'set nodeCIDRs and podCIDRs, generate, postern instance deploy --target awsvpn',
    lab: 'not-advertised',
  },
];

export const networkCauses: readonly Cause<NetworkSymptoms>[] = [
  {
    id: 'router-absent',
    when: { router: ['absent'] },
    cause: 'the Cloud Router does not exist',
    next: 'postern instance deploy --target awsvpn',
    lab: 'router-absent',
  },
  {
    id: 'vpn-gateway-detached',
    when: { vpnGateway: ['absent', 'detached'] },
    cause: 'the VPN gateway does not exist, or is not attached to the VPC',
    next: 'postern instance deploy --target awsvpn',
    lab: 'gateway-detached',
  },
  {
    id: 'not-advertised',
    when: { advertised: ['missing'] },
    cause: 'the Cloud Router does not advertise every range of the configuration: AWS has no way back',
    next: 'postern instance deploy --target awsvpn',
    lab: 'not-advertised',
  },
  {
    id: 'not-propagated',
    when: { propagation: ['off', 'absent'] },
    cause: 'the VPC’s route table does not take the VPN gateway’s routes: packets arrive in AWS and no answer leaves',
    next: 'aws ec2 enable-vgw-route-propagation, or postern instance deploy --target awsvpn',
    lab: 'not-propagated',
  },
  {
    id: 'routes-missing',
    when: { awsRoutes: ['missing'], anyBgp: ['up'] },
    cause:
      'propagation is on, and a range of ours is not in the VPC’s route table: another route is in its place, or the table is full (100)',
    next: 'read the table: aws ec2 describe-route-tables',
    lab: 'static-route',
  },
  {
    id: 'vpc-not-learned',
    when: { vpcLearned: ['no'] },
    cause:
      'Google has no route to the VPC’s range: no BGP session brings it, or a subnet of the network has the range itself (an auto-mode network has 10.200.0.0/20 in europe-west9)',
    next: 'mend the tunnels above first; where they are sound, gcloud compute networks subnets list, and choose another vpcCIDR',
    lab: 'wrong-identity',
  },
];

export const endpointCauses: readonly Cause<EndpointSymptoms>[] = [
  {
    id: 'endpoint-absent',
    when: { endpoint: ['absent'] },
    cause: 'the endpoint does not exist',
    next: 'postern instance deploy --target awsvpn',
    lab: 'aws: it is deleted',
  },
  {
    id: 'endpoint-pending',
    when: { endpoint: ['pendingacceptance'] },
    cause: 'the owner of the endpoint service has not accepted the connection',
    next: 'the customer runs aws ec2 accept-vpc-endpoint-connections with the service and endpoint ids above',
    lab: 'aws: the service asks for acceptance',
  },
  {
    id: 'endpoint-rejected',
    when: { endpoint: ['rejected'] },
    cause: 'the owner of the endpoint service rejected the connection',
    next: 'ask the customer why; they accept it with aws ec2 accept-vpc-endpoint-connections',
    lab: 'aws: the owner of the service rejects it',
  },
  {
    id: 'endpoint-failed',
    when: { endpoint: ['failed', 'expired', 'partial'] },
    cause: 'AWS could not make the endpoint, or its offer expired',
    next: 'check that the service name is right and that our account is among its allowed principals; then deploy again',
    lab: 'aws: nobody accepts it for a week',
  },
  {
    id: 'endpoint-starting',
    when: { endpoint: ['pending'] },
    cause: 'AWS is still making the endpoint',
    next: 'run this again in a minute',
    lab: 'aws: it is accepted, and AWS takes its time',
  },
  {
    id: 'security-group',
    when: { group: ['closed'] },
    cause: 'the endpoint’s security group does not admit the instance’s ranges on every port: connections time out',
    next: 'postern instance deploy --target awsvpn',
    lab: 'security-group',
  },
  {
    id: 'private-dns-off',
    when: { privateDns: ['off'] },
    cause: 'private DNS is wanted and not on: the service’s domain is not verified, or the change is not deployed',
    next: 'ask the customer for the domain’s verification (TXT record), then postern instance deploy --target awsvpn',
    lab: 'aws: it is made without private DNS',
  },
];

/** The first row that fits, or undefined. PURE. */
export function diagnose<S extends object>(causes: readonly Cause<S>[], symptoms: S): Cause<S> | undefined {
  return causes.find((row) =>
    (Object.keys(row.when) as (keyof S)[]).every((key) => row.when[key]!.includes(symptoms[key])),
  );
}
