import type { Proposal } from '@postern/core';

/** Algorithms: AWS's words and Cloud VPN's offer, as strongSwan spells them. PURE. */

const encryption: Readonly<Record<string, string>> = {
  AES128: 'aes128',
  AES256: 'aes256',
  'AES128-GCM-16': 'aes128gcm16',
  'AES256-GCM-16': 'aes256gcm16',
};
const integrity: Readonly<Record<string, string>> = {
  SHA1: 'sha1',
  'SHA2-256': 'sha256',
  'SHA2-384': 'sha384',
  'SHA2-512': 'sha512',
};
/** RFC 3526, RFC 5114 and RFC 5903 groups by their IANA numbers. */
const groups: Readonly<Record<number, string>> = {
  2: 'modp1024',
  5: 'modp1536',
  14: 'modp2048',
  15: 'modp3072',
  16: 'modp4096',
  17: 'modp6144',
  18: 'modp8192',
  19: 'ecp256',
  20: 'ecp384',
  21: 'ecp521',
  22: 'modp1024s160',
  23: 'modp2048s224',
  24: 'modp2048s256',
};

/**
 * What Cloud VPN offers when it initiates, with IKEv2 and no cipher list of its own. Group 17 is not among it, nor is 22:
 * AWS has both, which makes them the honest wrong proposal.
 * https://cloud.google.com/network-connectivity/docs/vpn/concepts/supported-ike-ciphers
 */
const cloudGroups =
  'modp2048-modp2048s256-modp1536-modp3072-modp4096-modp8192-modp1024-ecp256-ecp384-ecp521-curve25519';
export const cloudVpnOffer = {
  ike: [
    `aes256gcm16-aes192gcm16-aes128gcm16-prfsha512-prfsha384-prfsha256-prfsha1-${cloudGroups}`,
    `aes256-aes192-aes128-sha512-sha384-sha256-sha1-prfsha512-prfsha384-prfsha256-prfsha1-${cloudGroups}`,
  ],
  esp: [
    `aes256gcm16-aes192gcm16-aes128gcm16-${cloudGroups}`,
    `aes256-aes192-aes128-sha512-sha384-sha256-sha1-${cloudGroups}`,
  ],
  /** Seconds: Cloud VPN's fixed lifetimes. */
  ikeLifetimeSeconds: 36_000,
  espLifetimeSeconds: 10_800,
} as const;

/** strongSwan's text for one of AWS's phases. AEAD ciphers carry their own integrity; the hash then names the PRF, in phase 1 only. */
export function proposalText(phase: 1 | 2, proposal: Proposal): string {
  const names = <K extends string | number>(words: readonly K[], table: Readonly<Record<K, string>>): string[] =>
    words.map((word) => table[word] ?? unknown(phase, word));
  const ciphers = names(proposal.encryption, encryption);
  const hashes = names(proposal.integrity, integrity);
  const dh = names(proposal.dhGroups, groups);
  const aead = ciphers.every((cipher) => cipher.includes('gcm'));
  if (!aead) return [...ciphers, ...hashes, ...dh].join('-');
  return [...ciphers, ...(phase === 1 ? hashes.map((hash) => `prf${hash}`) : []), ...dh].join('-');
}

function unknown(phase: 1 | 2, word: string | number): never {
  throw new RangeError(`phase ${phase}: ${word} is not an algorithm that an AWS VPN connection knows`);
}
