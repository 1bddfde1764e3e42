import { existsSync, unlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { didYouMean, emailPattern, PosternError, UsageError } from '@postern/core';
import { readText, systemClock } from '@postern/daemon';
import {
  appendAudit,
  type AuditEvent,
  createFile,
  newCredentials,
  openIdentities,
  readPublicKeys,
} from '@postern/tunnel-server';
import { serverDirectory } from './directory.ts';

/** Creates an identity, and writes its credentials file before anything trusts it: a full disk leaves no key that nobody has. */
export async function createIdentity({
  email,
  dir,
  out,
  addKey,
}: {
  email: string;
  dir: string;
  out: string;
  addKey: boolean;
}): Promise<string> {
  checkEmail(email);
  const { dataDir } = serverDirectory(dir);
  if (existsSync(out)) throw fileExists(out);
  if (!existsSync(dirname(out)))
    throw new PosternError('FILE_MISSING', `the directory of ${out} does not exist`, { exitCode: 2 });
  const { keyId, publicKey, json } = await newCredentials(email);
  if (!createFile(out, json.reveal(), 0o600)) throw fileExists(out);
  const identities = openIdentities({ dataDir, clock: systemClock });
  try {
    identities.trust(email, { keyId, publicKey, addKey });
    record(dataDir, { event: 'identity.create', identity: email, keyId });
    return keyId;
  } catch (error) {
    unlinkSync(out); // nothing trusts it
    throw error;
  } finally {
    identities.close();
  }
}

/** Trusts keys that exist already; returns their ids. */
export function trustIdentity({
  email,
  dir,
  file,
  addKey,
}: {
  email: string;
  dir: string;
  file: string;
  addKey: boolean;
}): string[] {
  checkEmail(email);
  const { dataDir } = serverDirectory(dir);
  const keys = readPublicKeys(file, readText(file, 'public key file'), email);
  const identities = openIdentities({ dataDir, clock: systemClock });
  try {
    for (const [i, { keyId, publicKey }] of keys.entries()) {
      identities.trust(email, { keyId, publicKey, addKey: addKey || i > 0 });
      record(dataDir, { event: 'identity.create', identity: email, keyId });
    }
  } finally {
    identities.close();
  }
  return keys.map(({ keyId }) => keyId);
}

function fileExists(file: string): PosternError {
  return new PosternError('FILE_EXISTS', `${file} exists; credentials are never overwritten`, {
    hint: 'give another --out, or move the file away',
    exitCode: 2,
  });
}

export interface ListedIdentity {
  readonly identity: string;
  readonly status: 'active' | 'revoked';
  readonly created: string;
  readonly revoked?: string;
  readonly keys: ReadonlyArray<{ readonly keyId: string; readonly algorithm: string; readonly created: string }>;
}

export function listIdentities(dir: string): ListedIdentity[] {
  const { dataDir } = serverDirectory(dir);
  const identities = openIdentities({ dataDir, clock: systemClock });
  try {
    return identities.list().map(({ email, createdMs, status, keys }) => ({
      identity: email,
      status: status.kind,
      created: new Date(createdMs).toISOString(),
      ...(status.kind === 'revoked' ? { revoked: new Date(status.atMs).toISOString() } : {}),
      keys: keys.map((key) => ({
        keyId: key.keyId,
        algorithm: key.algorithm,
        created: new Date(key.createdMs).toISOString(),
      })),
    }));
  } finally {
    identities.close();
  }
}

/** Revokes; false when it was revoked before. The server, when it runs, sees it in the database within 200 ms. */
export function revokeIdentity(email: string, dir: string): boolean {
  checkEmail(email);
  const { dataDir } = serverDirectory(dir);
  const identities = openIdentities({ dataDir, clock: systemClock });
  try {
    if (identities.get(email) === undefined) {
      const near = didYouMean(
        email,
        identities.list().map((identity) => identity.email),
      );
      throw new PosternError('UNKNOWN_IDENTITY', `there is no identity ${email}`, {
        hint: near === undefined ? `postern tunnel identity list --dir ${dir}` : `did you mean ${near}?`,
      });
    }
    const revoked = identities.revoke(email);
    if (revoked) record(dataDir, { event: 'identity.revoke', identity: email });
    return revoked;
  } finally {
    identities.close();
  }
}

function checkEmail(email: string): void {
  if (!emailPattern.test(email))
    throw new UsageError(`${JSON.stringify(email)} is not an identity such as dc1@acme.example`);
}

function record(dataDir: string, event: Extract<AuditEvent, { event: 'identity.create' | 'identity.revoke' }>): void {
  appendAudit(dataDir, systemClock.now(), [{ ...event, by: operator() }]);
}

function operator(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
