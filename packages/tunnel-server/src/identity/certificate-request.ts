import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  bitStringBytes,
  DerError,
  expect,
  keyThumbprint,
  oids,
  oidText,
  readAll,
  readOne,
  spkiOf,
} from '@postern/tunnel/identity';
import { IssueRefusal } from './refusal.ts';

/** A PKCS #10 request whose signature has been checked: the sender holds the private key. */
export interface CheckedRequest {
  readonly publicKey: KeyObject;
  /** What `cnf.jkt` of the proof must say. */
  readonly thumbprint: string;
}

/** Signature algorithms of requests, and the digest of each; `null` where the algorithm has its own. */
const digests: Readonly<Record<string, { readonly keyType: string; readonly digest: string | null }>> = {
  [oids.ecdsaWithSha256]: { keyType: 'ec', digest: 'sha256' },
  [oids.ecdsaWithSha384]: { keyType: 'ec', digest: 'sha384' },
  [oids.ecdsaWithSha512]: { keyType: 'ec', digest: 'sha512' },
  [oids.rsaWithSha256]: { keyType: 'rsa', digest: 'sha256' },
  [oids.rsaWithSha384]: { keyType: 'rsa', digest: 'sha384' },
  [oids.rsaWithSha512]: { keyType: 'rsa', digest: 'sha512' },
  [oids.ed25519]: { keyType: 'ed25519', digest: null },
};

/** 4096 bits bound what one verification costs (0.2 ms). */
const rsaBits = { min: 2048, max: 4096 };

/** Reads a request, checks its key's type and its signature. Subject and attributes are not looked at. */
export function checkRequest(bytes: Buffer): CheckedRequest {
  try {
    return check(bytes);
  } catch (error) {
    if (error instanceof DerError)
      throw new IssueRefusal('MALFORMED', `the certificate request is not PKCS #10: ${error.message}`);
    throw error;
  }
}

function check(bytes: Buffer): CheckedRequest {
  // CertificationRequest ::= SEQUENCE { info, signatureAlgorithm, signature }; info ::= SEQUENCE { 0, subject, spki, [0] attributes }
  const [info, algorithm, signature] = readAll(readOne(bytes, 0x30).content, 3);
  const [version, subject, spki] = readAll(expect(info, 0x30).content, 4);
  if (!expect(version, 0x02).content.equals(Buffer.from([0]))) throw new DerError('an unknown version');
  expect(subject, 0x30);
  const publicKey = readKey(expect(spki, 0x30).raw);
  const [name] = readAll(expect(algorithm, 0x30).content, 2);
  const known = digests[oidText(expect(name, 0x06))];
  if (known === undefined || known.keyType !== publicKey.asymmetricKeyType)
    throw new IssueRefusal('KEY_TYPE', 'the certificate request is signed with an algorithm that is not accepted');
  if (!verifies(known.digest, info!.raw, publicKey, bitStringBytes(expect(signature, 0x03))))
    throw new IssueRefusal('REQUEST_SIGNATURE', 'the signature of the certificate request is not that of its key');
  return { publicKey, thumbprint: keyThumbprint(spki!.raw) };
}

function readKey(spki: Buffer): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch {
    throw new IssueRefusal('MALFORMED', 'the certificate request holds no public key that can be read');
  }
  const { modulusLength = 0, namedCurve = '', publicExponent } = key.asymmetricKeyDetails ?? {};
  const good =
    key.asymmetricKeyType === 'ed25519' ||
    (key.asymmetricKeyType === 'ec' && ['prime256v1', 'secp384r1'].includes(namedCurve)) ||
    (key.asymmetricKeyType === 'rsa' &&
      modulusLength >= rsaBits.min &&
      modulusLength <= rsaBits.max &&
      publicExponent === 65_537n);
  // A second spelling of the same key (compressed point, explicit parameters) would have a second thumbprint.
  if (!good || !spkiOf(key).equals(spki) || (key.asymmetricKeyType === 'ec' && !hasPlainPoint(spki)))
    throw new IssueRefusal('KEY_TYPE', 'the key must be EC on P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits');
  return key;
}

/** A named curve and an uncompressed point (RFC 5480 section 2): what every TLS stack reads. */
function hasPlainPoint(spki: Buffer): boolean {
  const [algorithm, point] = readAll(readOne(spki, 0x30).content, 2);
  const [, parameters] = readAll(expect(algorithm, 0x30).content, 2);
  return parameters?.tag === 0x06 && bitStringBytes(expect(point, 0x03))[0] === 0x04;
}

function verifies(digest: string | null, data: Buffer, key: KeyObject, signature: Buffer): boolean {
  try {
    return verify(digest, data, key, signature);
  } catch {
    return false;
  }
}
