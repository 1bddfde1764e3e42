/**
 * What the audit log records: one record per critical operation. A record is the event with its time, as JSON.
 *
 * The names are a promise to whoever reads the log; fields may be added, never renamed.
 */
export type AuditEvent =
  | SessionEvent
  | CertificateEvent
  | IdentityEvent
  | PolicyReload
  | AgentSwitch
  | ConnectionEvent
  | AuditPrune
  | AuditLost
  | AuditBreak;

export type AuditEventName = AuditEvent['event'];

interface Common {
  /** RFC 3339 with milliseconds, UTC; the moment of `append` unless given. */
  readonly time?: string;
  /** Whom it is about: the e-mail of the verified certificate, of the proof that was checked, or of the command. */
  readonly identity?: string;
  /** Address and port of the other end of the TCP connection, as the server saw it. */
  readonly peer?: string;
}

/** A TLS session of a peer that has a certificate (`refuse`: of one whose certificate was not accepted). */
export interface SessionEvent extends Common {
  readonly event: 'session.open' | 'session.close' | 'session.refuse';
  readonly session?: string;
  readonly role?: 'agent' | 'client';
  readonly instance?: string;
  readonly version?: string;
  readonly serial?: string;
  /** Of close and refuse. */
  readonly reason?: string;
  readonly ms?: number;
}

export interface CertificateEvent extends Common {
  readonly event: 'certificate.issue' | 'certificate.refuse' | 'certificate.renew';
  readonly serial?: string;
  /** Ties together the certificates that were renewed from one proof. */
  readonly lineage?: string;
  /** RFC 3339. */
  readonly notAfter?: string;
  /** `kid` of the key that proved the identity. */
  readonly keyId?: string;
  /** Of refuse: a code such as TOKEN_EXPIRED, and what it means. */
  readonly reason?: string;
  readonly message?: string;
}

export interface IdentityEvent extends Common {
  readonly event: 'identity.create' | 'identity.revoke';
  readonly identity: string;
  readonly keyId?: string;
  /** The operating system's user who ran the command. */
  readonly by?: string;
}

export interface PolicyReload extends Common {
  readonly event: 'policy.reload';
  readonly outcome: 'loaded' | 'refused';
  readonly rules?: number;
  /** SHA-256 of the file, hexadecimal. */
  readonly digest?: string;
  readonly reason?: string;
}

export interface AgentSwitch extends Common {
  readonly event: 'agent.pause' | 'agent.resume';
  readonly session?: string;
  readonly reason?: string;
}

export interface ConnectionEvent extends Common {
  readonly event: 'connection.open' | 'connection.refuse' | 'connection.close';
  readonly connection: string;
  /** Identities of both ends; `identity` is the client's too. */
  readonly client?: string;
  readonly agent?: string;
  /** As asked for: host:port. */
  readonly destination?: string;
  /** As dialled: ip:port. */
  readonly resolvedAddress?: string;
  readonly rule?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly bytesFromClient?: number;
  readonly bytesFromAgent?: number;
  readonly ms?: number;
}

/** Retention removed the records up to this one; the chain goes on from its hash. Written by the log itself. */
export interface AuditPrune extends Common {
  readonly event: 'audit.prune';
  readonly throughSequence: number;
  readonly throughHash: string;
  readonly records: number;
}

/** Records could not be stored and the queue was full; they are in the JSON lines only. Written by the log itself. */
export interface AuditLost extends Common {
  readonly event: 'audit.lost';
  readonly records: number;
  readonly reason: string;
}

/** At opening, records that the anchor outside the database knows were gone. Written by the log itself. */
export interface AuditBreak extends Common {
  readonly event: 'audit.break';
  readonly reason: string;
}

/** An event as a reader finds it: also one of another version, with names that this one does not know. */
export interface StoredEvent {
  readonly time: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** One entry as stored. */
export interface AuditRecord {
  readonly sequence: number;
  /** Hexadecimal. */
  readonly hash: string;
  readonly record: StoredEvent;
}

/** The newest record: what anchors the chain outside the database. */
export interface AuditHead {
  /** 0 before the first record. */
  readonly sequence: number;
  /** SHA-256, hexadecimal; of an empty log 64 zeros. */
  readonly hash: string;
}
