import { ipBytes, networkSet, parseCidr } from '@postern/core';

/**
 * Addresses that a name must never lead to by surprise: a name that resolves to one of them is how an SSRF reaches the agent's
 * own machine or its cloud's credentials.
 */
const specialNetworks = [
  '0.0.0.0/8', // "this host" (RFC 1122): connects to loopback on Linux
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and the metadata of AWS, GCP, Azure, Oracle, IBM, DigitalOcean, OpenStack, Tencent, ECS tasks
  '224.0.0.0/4', // multicast
  '255.255.255.255/32', // broadcast
  '100.100.100.200/32', // metadata of Alibaba Cloud
  '168.63.129.16/32', // Azure's WireServer
  '192.0.0.192/32', // metadata of Oracle Cloud Classic
  '::/128', // unspecified
  '::1/128', // loopback
  'fe80::/10', // link-local, and OpenStack's metadata fe80::a9fe:a9fe
  'ff00::/8', // multicast
  'fd00:ec2::/32', // AWS: metadata ::254, EKS pod identity ::23, DNS ::253
  'fd20:ce::/32', // GCP: metadata ::254
  'fd00:42::42/128', // Scaleway
  'fd00:c1::a9fe:a9fe/128', // Oracle
].map((text) => {
  const cidr = parseCidr(text);
  if ('reason' in cidr) throw new Error(`${text} ${cidr.reason}`);
  return cidr;
});

const inSpecialNetwork = networkSet(specialNetworks);

/** The prefix an IPv6 address carries an IPv4 address behind, and at which byte. */
const embeddings: ReadonlyArray<{ readonly prefix: readonly number[]; readonly at: number; readonly inverted?: true }> =
  [
    { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], at: 12 }, // IPv4-mapped; parseHost has turned these into IPv4 already
    { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], at: 12 }, // IPv4-compatible, deprecated (RFC 4291 section 2.5.5.1)
    { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], at: 12 }, // IPv4-translated (RFC 2765)
    { prefix: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], at: 12 }, // NAT64 (RFC 6052)
    { prefix: [0, 0x64, 0xff, 0x9b, 0, 1], at: 12 }, // NAT64 for local use (RFC 8215), as /96
    { prefix: [0x20, 0x02], at: 2 }, // 6to4 (RFC 3056)
    { prefix: [0x20, 0x01, 0, 0], at: 12, inverted: true }, // Teredo's client (RFC 4380), its bits inverted
  ];

/** The IPv4 addresses that a canonical address leads to through translation or tunnelling, as text. */
export function embeddedIPv4(bytes: readonly number[]): readonly string[] {
  if (bytes.length !== 16) return [];
  const found = embeddings
    .filter(({ prefix }) => prefix.every((byte, i) => bytes[i] === byte))
    .map(({ at, inverted }) =>
      bytes
        .slice(at, at + 4)
        .map((byte) => (inverted === true ? byte ^ 0xff : byte))
        .join('.'),
    );
  // ISATAP (RFC 5214): the interface identifier [02]00:5efe:a.b.c.d, whatever the prefix.
  if ((bytes[8]! & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe)
    found.push(bytes.slice(12).join('.'));
  return found;
}

/** Whether a canonical address is loopback, link-local, metadata, multicast, broadcast or unspecified, or embeds one that is. */
export function isSpecialAddress(ip: string): boolean {
  const bytes = ipBytes(ip);
  return inSpecialNetwork(bytes) || embeddedIPv4(bytes).some((inner) => inSpecialNetwork(ipBytes(inner)));
}
