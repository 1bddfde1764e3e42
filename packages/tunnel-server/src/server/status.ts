import type { Broker } from '../broker/broker.ts';

/** What `GET /status` tells and `postern tunnel status` prints. */
export interface ServerStatus {
  readonly kind: 'TunnelServer';
  readonly serverName: string;
  readonly listen: string;
  readonly certificateExpires: string;
  readonly sessions: readonly SessionStatus[];
  readonly connections: readonly ConnectionStatus[];
  /** All of them; the list above is cut. */
  readonly connectionsTotal: number;
  readonly audit: { readonly sequence: number; readonly hash: string };
}

export interface SessionStatus {
  readonly session: string;
  readonly role: string;
  readonly identity: string;
  readonly peer: string;
  readonly version: string;
  readonly state: 'ready' | 'draining' | 'waiting';
  readonly connections: number;
  readonly since: string;
  readonly certificateExpires: string;
}

export interface ConnectionStatus {
  readonly connection: string;
  readonly state: string;
  readonly client: string;
  readonly agent: string;
  readonly destination: string;
  readonly resolvedAddress: string;
  readonly bytesFromClient: number;
  readonly bytesFromAgent: number;
  readonly ms: number;
}

/** A page for people; programs read the audit log. */
const connectionsShownMax = 1000;

export function sessionStatus(broker: Broker): SessionStatus[] {
  return [...broker.sessions.all].map((session) => ({
    session: session.info.id,
    role: session.role ?? 'unknown',
    identity: session.info.identity,
    peer: session.info.peer,
    version: session.version,
    state: session.draining ? 'draining' : session.role === 'agent' && session.parked.size === 0 ? 'waiting' : 'ready',
    connections: session.connections.size,
    since: new Date(session.info.sinceMs).toISOString(),
    certificateExpires: new Date(session.authorisedUntilMs).toISOString(),
  }));
}

export function connectionStatus(broker: Broker): ConnectionStatus[] {
  return [...broker.connections].slice(0, connectionsShownMax).map((connection) => {
    const { agent, resolvedAddress, bytesFromClient, bytesFromAgent, durationMs } = connection.outcome;
    return {
      connection: connection.request.id,
      state: connection.state,
      client: connection.request.client.info.identity,
      agent: agent?.info.identity ?? '',
      destination: connection.request.target,
      resolvedAddress: resolvedAddress ?? '',
      bytesFromClient,
      bytesFromAgent,
      ms: durationMs,
    };
  });
}
