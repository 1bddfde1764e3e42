import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { ipBytes } from '@postern/core';
import { der, oids, spkiOf } from '@postern/tunnel/identity';

/** X.509 certificates (RFC 5280) of the three kinds the embedded authority signs: root, server, peer. */

export interface Issuer {
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
  readonly commonName: string;
}

export interface Certificate {
  readonly der: Buffer;
  readonly serial: string;
}

interface Content {
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly Buffer[];
}

const signatureAlgorithm = der.sequence(der.oid(oids.ecdsaWithSha256));

export function rootCertificate(issuer: Issuer, notBeforeMs: number, notAfterMs: number): Certificate {
  return signed(issuer, {
    subject: distinguishedName(issuer.commonName),
    publicKey: issuer.publicKey,
    notBeforeMs,
    notAfterMs,
    extensions: [
      // Path length 0: this root signs leaves and nothing that could sign more.
      extension(oids.basicConstraints, der.sequence(der.yes(), der.unsigned(Buffer.from([0]))), true),
      extension(oids.keyUsage, der.bits(Buffer.from([0x06]), 1), true), // keyCertSign, cRLSign
    ],
  });
}

export interface LeafContent {
  readonly publicKey: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** For the server only (`serverAuth`), under a DNS name or an IP address. */
export function serverCertificate(issuer: Issuer, name: string, content: LeafContent): Certificate {
  const general =
    isIP(name) === 0
      ? der.tlv(der.contextTag(2, false), Buffer.from(name))
      : der.tlv(der.contextTag(7, false), Buffer.from(ipBytes(name)));
  return leaf(issuer, general, oids.serverAuth, content);
}

/** For a peer only (`clientAuth`): the identity's e-mail and nothing else that could be taken for a name. */
export function peerCertificate(issuer: Issuer, email: string, content: LeafContent): Certificate {
  return leaf(issuer, der.tlv(der.contextTag(1, false), Buffer.from(email)), oids.clientAuth, content);
}

function leaf(issuer: Issuer, generalName: Buffer, purpose: string, content: LeafContent): Certificate {
  return signed(issuer, {
    ...content,
    subject: der.sequence(),
    extensions: [
      extension(oids.basicConstraints, der.sequence(), true),
      extension(oids.keyUsage, der.bits(Buffer.from([0x80]), 7), true), // digitalSignature
      extension(oids.extendedKeyUsage, der.sequence(der.oid(purpose))),
      // Critical because the subject is empty (RFC 5280 section 4.2.1.6).
      extension(oids.subjectAltName, der.sequence(generalName), true),
    ],
  });
}

function signed(issuer: Issuer, content: Content): Certificate {
  const serial = randomSerial();
  const toBeSigned = der.sequence(
    der.tlv(der.contextTag(0), der.unsigned(Buffer.from([2]))), // version 3
    der.unsigned(serial),
    signatureAlgorithm,
    distinguishedName(issuer.commonName),
    der.sequence(der.time(content.notBeforeMs), der.time(content.notAfterMs)),
    content.subject,
    spkiOf(content.publicKey),
    der.tlv(
      der.contextTag(3),
      der.sequence(
        ...content.extensions,
        extension(oids.subjectKeyIdentifier, der.octets(keyIdentifier(content.publicKey))),
        extension(
          oids.authorityKeyIdentifier,
          der.sequence(der.tlv(der.contextTag(0, false), keyIdentifier(issuer.publicKey))),
        ),
      ),
    ),
  );
  const signature = sign('sha256', toBeSigned, issuer.key);
  return {
    der: der.sequence(toBeSigned, signatureAlgorithm, der.bits(signature)),
    serial: serial.toString('hex').toUpperCase(),
  };
}

function distinguishedName(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.oid(oids.commonName), der.utf8(commonName))));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return der.sequence(der.oid(id), ...(critical ? [der.yes()] : []), der.octets(value));
}

/** RFC 7093 section 2, method 1: the first 160 bits of the SHA-256 of the key. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha256').update(spkiOf(publicKey)).digest().subarray(0, 20);
}

/** 128 bits, so that serials never meet and cannot be guessed. The first byte is not zero: the text form has a fixed length. */
function randomSerial(): Buffer {
  for (;;) {
    const bytes = randomBytes(16);
    if (bytes[0] !== 0) return bytes;
  }
}

export function pemOf(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
