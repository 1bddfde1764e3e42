import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { contextTag, oid, sequence, tlv, unsigned, bits } from '../pki/der-write.ts';
import { oids } from '../pki/oids.ts';
import { spkiOf } from '../pki/spki.ts';

/** A key pair that lives in memory only: nothing here writes one to a file. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** ECDSA P-256: 0.1 ms to make, and every TLS stack has it. */
export function generateKey(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/**
 * A PKCS #10 request (RFC 2986), DER, for an EC P-256 key. Its signature proves possession of the key. Subject and attributes are
 * empty: the server decides what the certificate says.
 */
export function certificateRequest({ privateKey, publicKey }: KeyPair): Buffer {
  const info = sequence(unsigned(Buffer.from([0])), sequence(), spkiOf(publicKey), tlv(contextTag(0)));
  return sequence(info, sequence(oid(oids.ecdsaWithSha256)), bits(sign('sha256', info, privateKey)));
}
