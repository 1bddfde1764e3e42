import { type Breakage, breakages, type Broken, hitBy } from './breakages.ts';
import { Secret, type AwsEnd, type TunnelDesign, UsageError, type VpnDesign } from '@postern/core';

/** Real faults, made by changing one end: what the daemons then do is theirs. PURE. */

export interface Fault {
  readonly name: string;
  readonly what: string;
  /** A fault of one tunnel takes a number: `wrong-key=2`. */
  readonly scope: 'tunnel' | 'network';
  readonly apply: (design: VpnDesign, tunnel: number) => VpnDesign;
  /** What it breaks beyond what a design says. */
  readonly breaks?: (design: VpnDesign, tunnel: number) => Broken;
  /** AWS addresses that the internet loses. */
  readonly cuts?: (design: VpnDesign, tunnel: number) => string[];
}

/** One more than AWS takes from a customer gateway. https://docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html */
const rangesTooMany = 101;

const ofParameters: readonly Fault[] = [
  {
    name: 'wrong-key',
    what: 'the AWS end has another pre-shared key',
    scope: 'tunnel',
    apply: (design, tunnel) =>
      changeAws(design, tunnel, (aws) => ({ ...aws, key: new Secret(`x${aws.key.reveal().slice(1)}`) })),
  },
  {
    name: 'wrong-proposal',
    what: 'the AWS end wants Diffie-Hellman group 17, which Cloud VPN does not offer',
    scope: 'tunnel',
    apply: (design, tunnel) =>
      changeAws(design, tunnel, (aws) => ({ ...aws, phase1: { ...aws.phase1, dhGroups: [17] } })),
  },
  {
    name: 'wrong-asn',
    what: 'the customer gateway has another ASN than the Cloud Router',
    scope: 'tunnel',
    apply(design, tunnel) {
      const { connection } = design.tunnels[tunnel]!;
      const asn = design.gcpAsn === 64_999 ? 64_998 : 64_999;
      return {
        ...design,
        tunnels: design.tunnels.map((t) =>
          t.connection === connection ? { ...t, aws: { ...t.aws, peerAsn: asn } } : t,
        ),
        aws: {
          ...design.aws,
          connections: changeAt(design.aws.connections, connection, (c) => ({ ...c, customerGatewayAsn: asn })),
        },
      };
    },
  },
  {
    name: 'wrong-inside',
    what: 'the AWS end has another inside range than the Cloud Router’s interface',
    scope: 'tunnel',
    apply: (design, tunnel) =>
      changeAws(design, tunnel, (aws) => ({ ...aws, insideCIDR: `169.254.99.${4 * tunnel}/30` })),
  },
  {
    name: 'wrong-address',
    what: 'the customer gateway names an address that is not the HA VPN gateway’s',
    scope: 'tunnel',
    apply(design, tunnel) {
      const { connection } = design.tunnels[tunnel]!;
      const address = '203.0.113.200';
      return {
        ...design,
        tunnels: design.tunnels.map((t) =>
          t.connection === connection ? { ...t, aws: { ...t.aws, peerOutside: address } } : t,
        ),
        aws: {
          ...design.aws,
          connections: changeAt(design.aws.connections, connection, (c) => ({ ...c, customerGatewayAddress: address })),
        },
      };
    },
  },
  {
    name: 'unreachable',
    what: 'the internet loses every packet to and from the tunnel’s AWS address',
    scope: 'tunnel',
    apply: (design) => design,
    cuts: (design, tunnel) => [design.tunnels[tunnel]!.aws.outside],
  },
  {
    name: 'not-advertised',
    what: 'the Cloud Router advertises nothing',
    scope: 'network',
    apply: (design) => ({ ...design, advertised: [] }),
  },
  {
    name: 'too-many-routes',
    what: 'the Cloud Router advertises more ranges than AWS takes',
    scope: 'network',
    apply: (design) => ({
      ...design,
      advertised: [...design.advertised, ...Array.from({ length: rangesTooMany }, (_, i) => `172.20.${i}.0/24`)],
    }),
  },
  {
    name: 'not-propagated',
    what: 'the VPC’s route table does not learn from the VPN gateway',
    scope: 'network',
    apply: (design) => ({ ...design, aws: { ...design.aws, propagated: false } }),
  },
  {
    name: 'security-group',
    what: 'the endpoint’s security group admits nobody',
    scope: 'network',
    apply: (design) => ({
      ...design,
      aws: { ...design.aws, endpoints: design.aws.endpoints.map((endpoint) => ({ ...endpoint, ingress: [] })) },
    }),
  },
];

const ofBreakages = (Object.keys(breakages) as Breakage[]).map((name): Fault => ({
  name,
  what: breakages[name].what,
  scope: breakages[name].scope === 'network' ? 'network' : 'tunnel',
  apply: (design) => design,
  breaks: (design, tunnel) => ({ [name]: hitBy(name, design, tunnel) }),
}));

export const faults: readonly Fault[] = [...ofParameters, ...ofBreakages];

/** `wrong-key` or `wrong-key=2`. */
export function parseFault(text: string, tunnels: number): { fault: Fault; tunnel: number } {
  const [name, place] = text.split('=', 2);
  const fault = faults.find((candidate) => candidate.name === name);
  if (fault === undefined)
    throw new UsageError(`there is no fault ${JSON.stringify(name)}`, {
      hint: `one of ${faults.map((candidate) => candidate.name).join(', ')}`,
    });
  const tunnel = place === undefined ? 0 : Number(place);
  if (!Number.isInteger(tunnel) || tunnel < 0 || tunnel >= tunnels)
    throw new UsageError(`${text}: there is no such tunnel`, { hint: `a number from 0 to ${tunnels - 1}` });
  return { fault, tunnel };
}

function changeAws(design: VpnDesign, tunnel: number, change: (aws: AwsEnd) => AwsEnd): VpnDesign {
  return { ...design, tunnels: changeAt<TunnelDesign>(design.tunnels, tunnel, (t) => ({ ...t, aws: change(t.aws) })) };
}

function changeAt<T>(list: readonly T[], index: number, change: (item: T) => T): T[] {
  return list.map((item, i) => (i === index ? change(item) : item));
}
