/** What the tests of this folder share: a clock to set, a server's identity half in a scratch directory, proofs of any content. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, Secret } from '@postern/core';
import { systemClock } from '@postern/daemon';
import {
  certificateRequest,
  type Credentials,
  generateKey,
  keyThumbprint,
  parseCredentials,
  spkiOf,
} from '@postern/tunnel/identity';
import { SignJWT } from 'jose';
import type { AuditEvent } from '../audit/event.ts';
import { openEmbeddedCa } from '../ca/index.ts';
import { createIssuer, type Identities, type Issuer, openIdentities, type WorkloadTokens } from './index.ts';

export class SetClock implements Clock {
  nowMs = Date.now();
  now = (): number => this.nowMs;
  monotonic = (): number => this.nowMs;
  sleep = (ms: number, signal?: AbortSignal): Promise<void> => systemClock.sleep(ms, signal);
}

export const serverName = 'tunnel.acme.example';
export const email = 'dc1@acme.example';

export interface World extends Disposable {
  readonly clock: SetClock;
  readonly dataDir: string;
  readonly identities: Identities;
  readonly issuer: Issuer;
  readonly events: AuditEvent[];
  readonly rootsPem: string;
}

export function world(dir: string, options: { clock?: SetClock; workloadTokens?: WorkloadTokens } = {}): World {
  const clock = options.clock ?? new SetClock();
  const dataDir = join(dir, 'data');
  const identities = openIdentities({ dataDir, clock });
  const ca = openEmbeddedCa({ dataDir, clock });
  const events: AuditEvent[] = [];
  const issuer = createIssuer({
    identities,
    ca,
    clock,
    serverName,
    lifetimeMs: () => 86_400_000,
    audit: (event) => events.push(event),
    ...(options.workloadTokens === undefined ? {} : { workloadTokens: options.workloadTokens }),
  });
  return {
    clock,
    dataDir,
    identities,
    issuer,
    events,
    rootsPem: ca.rootsPem(),
    [Symbol.dispose]: () => identities.close(),
  };
}

/** A trusted identity and its credentials; an EC key, because an RSA one takes a tenth of a second to make. */
export function enrol(w: World, name = email): Credentials {
  const { privateKey, publicKey } = generateKey();
  const keyId = randomUUID();
  w.identities.trust(name, { keyId, publicKey });
  return { email: name, keyId, algorithm: 'ES256', privateKey: new Secret(privateKey), projectId: undefined };
}

/** The same as `identity create` makes them. */
export async function enrolRsa(w: World): Promise<Credentials> {
  return parseCredentials('credentials', (await w.identities.create(email)).json.reveal());
}

export interface Changes {
  readonly header?: Record<string, unknown>;
  /** `undefined` removes the claim. */
  readonly claims?: Record<string, unknown>;
  readonly signWith?: Credentials;
}

/** A fresh key, a request for it, and a proof that is right but for `changes`. */
export async function attempt(w: World, credentials: Credentials, changes: Changes = {}) {
  const key = generateKey();
  const nowSeconds = Math.floor(w.clock.now() / 1000);
  const claims = {
    iss: credentials.email,
    sub: credentials.email,
    aud: `https://${serverName}/`,
    iat: nowSeconds,
    exp: nowSeconds + 300,
    jti: randomUUID(),
    cnf: { jkt: keyThumbprint(spkiOf(key.publicKey)) },
    ...changes.claims,
  };
  const { privateKey, algorithm } = changes.signWith ?? credentials;
  const proof = await new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid: credentials.keyId, ...changes.header })
    .sign(privateKey.reveal());
  return { key, certificateRequest: certificateRequest(key), proof, peer: '192.0.2.7:40000' };
}
