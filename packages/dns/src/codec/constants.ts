/** Numbers of the DNS registries (IANA "Domain Name System (DNS) Parameters"), as far as they decide anything here. */

export const headerBytes = 12;

export const rcode = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
} as const;

export const opcode = { query: 0, statefulOperations: 6 } as const;

export const type = {
  a: 1,
  ns: 2,
  cname: 5,
  soa: 6,
  sig: 24,
  key: 25,
  nxt: 30,
  aaaa: 28,
  dname: 39,
  opt: 41,
  ds: 43,
  rrsig: 46,
  nsec: 47,
  dnskey: 48,
  nsec3: 50,
  nsec3param: 51,
  cds: 59,
  cdnskey: 60,
  tsig: 250,
  ixfr: 251,
  axfr: 252,
  any: 255,
} as const;

/** Signatures and keys speak of the name they were made for; under another name they prove nothing and are left out. */
export const signatureTypes: ReadonlySet<number> = new Set([
  type.sig,
  type.key,
  type.nxt,
  type.ds,
  type.rrsig,
  type.nsec,
  type.dnskey,
  type.nsec3,
  type.nsec3param,
  type.cds,
  type.cdnskey,
]);

export const ednsOption = { cookie: 10 } as const;

/** The answer size that crosses every common path without fragments (DNS flag day 2020). */
export const ednsBytes = 1232;
/** RFC 1035 section 2.3.4: what a client without EDNS takes over UDP. */
export const plainUdpBytes = 512;
/** The length field over TCP has 16 bits (RFC 1035 section 4.2.2). */
export const messageBytesMax = 65_535;

/** In the second 16 bits of the header. */
export const flag = { qr: 0x8000, aa: 0x0400, tc: 0x0200, rd: 0x0100, ra: 0x0080, ad: 0x0020, cd: 0x0010 } as const;
