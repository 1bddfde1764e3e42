import { createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type Clock, emailPattern, PosternError } from '@postern/core';
import { type ProofAlgorithm, spkiOf } from '@postern/tunnel/identity';
import { ensurePrivateDirectory } from '../files.ts';
import { openDatabase, transaction, translateDatabaseError, translating } from '../store/sqlite.ts';
import { newCredentials, type NewCredentials } from './new-credentials.ts';
import { proofAlgorithmOf } from './trusted-key.ts';
import { type IdentityChange, type IdentityStates, watchChanges } from './watch.ts';

/**
 * The identities this server trusts, their public keys, the certificates issued to them and the proofs already used, in
 * `data/identities.db`. Several processes share it: the server reads what the command line writes.
 */

/**
 * `epoch` counts revocations: a certificate of an earlier epoch is worth nothing, also after the identity was created anew.
 */
const schema = `
CREATE TABLE identity (email TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, revoked_ms INTEGER, epoch INTEGER NOT NULL) STRICT;
CREATE TABLE key (email TEXT NOT NULL, key_id TEXT NOT NULL, algorithm TEXT NOT NULL, spki BLOB NOT NULL, created_ms INTEGER NOT NULL, PRIMARY KEY (email, key_id)) STRICT;
CREATE TABLE certificate (serial TEXT PRIMARY KEY, email TEXT NOT NULL, epoch INTEGER NOT NULL, key_id TEXT NOT NULL, lineage TEXT NOT NULL, issued_ms INTEGER NOT NULL, not_after_ms INTEGER NOT NULL) STRICT;
CREATE INDEX certificate_lineage ON certificate (lineage);
CREATE INDEX certificate_end ON certificate (not_after_ms);
CREATE TABLE proof (email TEXT NOT NULL, jti TEXT NOT NULL, expires_ms INTEGER NOT NULL, PRIMARY KEY (email, jti)) STRICT;
CREATE INDEX proof_end ON proof (expires_ms);
`;

/** Proofs of one identity remembered at a time: 500 replicas may all restart 40 times within a proof's lifetime. */
const proofsPerIdentityMax = 20_000;
/** Ended certificates stay known this long, so that a refusal can say "expired" rather than "unknown". */
const certificateKeptMs = 86_400_000;

export interface TrustedKey {
  readonly keyId: string;
  readonly algorithm: ProofAlgorithm;
  readonly publicKey: KeyObject;
  readonly createdMs: number;
}

export interface Identity {
  readonly email: string;
  readonly createdMs: number;
  readonly status: { readonly kind: 'active' } | { readonly kind: 'revoked'; readonly atMs: number };
  readonly epoch: number;
  readonly keys: readonly TrustedKey[];
}

/** A certificate this server issued. */
export interface IssuedCertificate {
  readonly serial: string;
  readonly email: string;
  readonly epoch: number;
  readonly keyId: string;
  readonly lineage: string;
  readonly issuedMs: number;
  readonly notAfterMs: number;
}

export interface TrustOptions {
  readonly keyId: string;
  readonly publicKey: KeyObject;
  /** Trust one more key of an identity that is there already. */
  readonly addKey?: boolean;
}

export interface Identities {
  /** Makes a key pair, trusts its public half, and returns the credentials file's text: the only copy of the private half. */
  create(email: string, options?: { readonly addKey?: boolean }): Promise<NewCredentials>;
  /** Trusts a public key. Refused where the identity exists and is active, unless `addKey`. */
  trust(email: string, options: TrustOptions): Identity;
  get(email: string): Identity | undefined;
  list(): readonly Identity[];
  /** Ends an identity: its keys and its certificates are worth nothing from now on. False when it was revoked before. */
  revoke(email: string): boolean;
  /** Calls back within 250 ms of a change by any process. `onError`: the database could not be asked; it is asked again. */
  watch(onChange: (change: IdentityChange) => void, signal: AbortSignal, onError?: (error: unknown) => void): void;
  /** Remembers that a proof was used; its second use is `replayed`. */
  useProof(email: string, jti: string, expiresMs: number): 'first' | 'replayed' | 'too many';
  recordCertificate(certificate: IssuedCertificate): void;
  /** The certificate of this serial, while it still counts: issued here, its identity neither revoked since nor unknown. */
  certificate(serial: string): IssuedCertificate | undefined;
  /** The newest certificate of a lineage, under the same condition. */
  lineage(email: string, lineage: string): IssuedCertificate | undefined;
  close(): void;
}

export interface IdentitiesOptions {
  readonly dataDir: string;
  readonly clock: Clock;
}

export function openIdentities({ dataDir, clock }: IdentitiesOptions): Identities {
  ensurePrivateDirectory(dataDir);
  const file = join(dataDir, 'identities.db');
  // `normal`: a power cut may forget the last proofs used, and a replayed proof certifies only the key it was made for, whose
  // private half the thief does not have.
  const db = openDatabase({ file, schema, version: 1, durability: 'normal' });
  return new SqliteIdentities(db, file, clock);
}

class SqliteIdentities implements Identities {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #clock: Clock;
  readonly #sql;
  #ownChanges = 0;

  constructor(db: DatabaseSync, file: string, clock: Clock) {
    this.#db = db;
    this.#file = file;
    this.#clock = clock;
    this.#sql = statements(db);
  }

  async create(email: string, options: { readonly addKey?: boolean } = {}): Promise<NewCredentials> {
    const made = await newCredentials(email);
    this.trust(email, { ...made, ...options });
    return made;
  }

  trust(email: string, { keyId, publicKey, addKey = false }: TrustOptions): Identity {
    if (!emailPattern.test(email) || email.length > 254)
      throw new PosternError('IDENTITY_NAME', `${JSON.stringify(email)} is not an identity such as dc1@acme.example`, {
        exitCode: 2,
      });
    const algorithm = proofAlgorithmOf(publicKey);
    this.#write(() => {
      const nowMs = this.#clock.now();
      const row = this.#sql.identity.get(email);
      const active = row !== undefined && row['revoked_ms'] === null;
      if (active && !addKey) throw exists(email);
      if (active && this.#sql.key.get(email, keyId) !== undefined)
        throw new PosternError('KEY_EXISTS', `identity ${email} already has a key ${keyId}`);
      // Keys from before a revocation stay ended.
      if (!active) this.#sql.dropKeys.run(email);
      this.#sql.putIdentity.run(email, nowMs);
      this.#sql.putKey.run(email, keyId, algorithm, spkiOf(publicKey), nowMs);
      this.#ownChanges++;
    });
    return this.get(email)!;
  }

  get(email: string): Identity | undefined {
    return this.#read(() => {
      const row = this.#sql.identity.get(email);
      return row === undefined ? undefined : this.#identity(row);
    });
  }

  list(): readonly Identity[] {
    return this.#read(() => this.#sql.identities.all().map((row) => this.#identity(row)));
  }

  revoke(email: string): boolean {
    return this.#write(() => {
      if (this.#sql.identity.get(email) === undefined)
        throw new PosternError('UNKNOWN_IDENTITY', `there is no identity ${email}`, {
          hint: 'postern tunnel identity list',
        });
      this.#ownChanges++;
      return this.#sql.revoke.run(this.#clock.now(), email).changes > 0;
    });
  }

  watch(onChange: (change: IdentityChange) => void, signal: AbortSignal, onError?: (error: unknown) => void): void {
    watchChanges(
      {
        // SQLite counts other connections' commits; our own we count.
        version: () => this.#read(() => `${String(this.#sql.version.get()?.['data_version'])}.${this.#ownChanges}`),
        state: () => this.#read(() => this.#state()),
      },
      onChange,
      signal,
      onError,
    );
  }

  useProof(email: string, jti: string, expiresMs: number): 'first' | 'replayed' | 'too many' {
    return this.#write(() => {
      this.#sql.dropProofs.run(this.#clock.now());
      if (this.#sql.proof.get(email, jti) !== undefined) return 'replayed';
      if (Number(this.#sql.countProofs.get(email)?.['n']) >= proofsPerIdentityMax) return 'too many';
      this.#sql.putProof.run(email, jti, expiresMs);
      return 'first';
    });
  }

  recordCertificate(c: IssuedCertificate): void {
    this.#write(() => {
      this.#sql.dropCertificates.run(this.#clock.now() - certificateKeptMs);
      this.#sql.putCertificate.run(c.serial, c.email, c.epoch, c.keyId, c.lineage, c.issuedMs, c.notAfterMs);
    });
  }

  certificate(serial: string): IssuedCertificate | undefined {
    return this.#read(() => certificateOf(this.#sql.certificate.get(serial)));
  }

  lineage(email: string, lineage: string): IssuedCertificate | undefined {
    return this.#read(() => certificateOf(this.#sql.lineage.get(email, lineage)));
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #state(): IdentityStates {
    return new Map(
      this.#sql.states
        .all()
        .map((row) => [
          String(row['email']),
          { epoch: Number(row['epoch']), active: row['revoked_ms'] === null, keys: String(row['keys']) },
        ]),
    );
  }

  #identity(row: Record<string, unknown>): Identity {
    const email = String(row['email']);
    return {
      email,
      createdMs: Number(row['created_ms']),
      status: row['revoked_ms'] === null ? { kind: 'active' } : { kind: 'revoked', atMs: Number(row['revoked_ms']) },
      epoch: Number(row['epoch']),
      keys: this.#sql.keys.all(email).map((key) => ({
        keyId: String(key['key_id']),
        algorithm: key['algorithm'] as ProofAlgorithm,
        publicKey: createPublicKey({ key: Buffer.from(key['spki'] as Uint8Array), format: 'der', type: 'spki' }),
        createdMs: Number(key['created_ms']),
      })),
    };
  }

  #write<T>(work: () => T): T {
    try {
      return transaction(this.#db, work);
    } catch (error) {
      throw translateDatabaseError(error, this.#file);
    }
  }

  #read<T>(work: () => T): T {
    return translating(this.#file, work);
  }
}

const countingCertificates =
  'SELECT c.* FROM certificate c JOIN identity i ON i.email = c.email AND i.epoch = c.epoch AND i.revoked_ms IS NULL';

function certificateOf(row: Record<string, unknown> | undefined): IssuedCertificate | undefined {
  if (row === undefined) return undefined;
  return {
    serial: String(row['serial']),
    email: String(row['email']),
    epoch: Number(row['epoch']),
    keyId: String(row['key_id']),
    lineage: String(row['lineage']),
    issuedMs: Number(row['issued_ms']),
    notAfterMs: Number(row['not_after_ms']),
  };
}

function statements(db: DatabaseSync) {
  return {
    identity: db.prepare('SELECT * FROM identity WHERE email = ?'),
    identities: db.prepare('SELECT * FROM identity ORDER BY email'),
    states: db.prepare(
      "SELECT email, epoch, revoked_ms, (SELECT group_concat(key_id, ' ' ORDER BY key_id) FROM key k WHERE k.email = i.email) AS keys FROM identity i",
    ),
    putIdentity: db.prepare(
      'INSERT INTO identity VALUES (?, ?, NULL, 1) ON CONFLICT (email) DO UPDATE SET revoked_ms = NULL',
    ),
    revoke: db.prepare('UPDATE identity SET revoked_ms = ?, epoch = epoch + 1 WHERE email = ? AND revoked_ms IS NULL'),
    key: db.prepare('SELECT 1 FROM key WHERE email = ? AND key_id = ?'),
    keys: db.prepare('SELECT * FROM key WHERE email = ? ORDER BY created_ms, key_id'),
    putKey: db.prepare('INSERT INTO key VALUES (?, ?, ?, ?, ?)'),
    dropKeys: db.prepare('DELETE FROM key WHERE email = ?'),
    proof: db.prepare('SELECT 1 FROM proof WHERE email = ? AND jti = ?'),
    countProofs: db.prepare('SELECT count(*) AS n FROM proof WHERE email = ?'),
    putProof: db.prepare('INSERT INTO proof VALUES (?, ?, ?)'),
    dropProofs: db.prepare('DELETE FROM proof WHERE expires_ms < ?'),
    certificate: db.prepare(`${countingCertificates} WHERE c.serial = ?`),
    lineage: db.prepare(
      `${countingCertificates} WHERE c.email = ? AND c.lineage = ? ORDER BY c.issued_ms DESC LIMIT 1`,
    ),
    putCertificate: db.prepare('INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?)'),
    dropCertificates: db.prepare('DELETE FROM certificate WHERE not_after_ms < ?'),
    version: db.prepare('PRAGMA data_version'),
  };
}

function exists(email: string): PosternError {
  return new PosternError('IDENTITY_EXISTS', `identity ${email} exists already`, {
    hint: 'add --add-key to trust one more key of it, or revoke it first',
  });
}
