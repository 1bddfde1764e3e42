import type { Audit } from '../audit/index.ts';
import type { BrokerEvents } from '../broker/broker.ts';
import type { Connection, ConnectionOutcome } from '../broker/connection.ts';
import type { ServerMetrics } from './metrics.ts';

/** The broker's events as audit records and metrics. */
export function auditedEvents(audit: Audit, metrics: () => ServerMetrics): BrokerEvents {
  const record = (
    event: 'connection.open' | 'connection.refuse' | 'connection.close',
    connection: Connection,
    outcome: ConnectionOutcome,
  ): void => {
    const { id, client, target } = connection.request;
    const { rule, agent, resolvedAddress, reset } = outcome;
    audit.append({
      event,
      connection: id,
      identity: client.info.identity,
      peer: client.info.peer,
      client: client.info.identity,
      destination: target,
      ...(agent === undefined ? {} : { agent: agent.info.identity }),
      ...(resolvedAddress === undefined ? {} : { resolvedAddress }),
      ...(rule === undefined ? {} : { rule }),
      ...(reset === undefined ? {} : { reason: reset.code, message: reset.message }),
      ...(event === 'connection.open'
        ? {}
        : { bytesFromClient: outcome.bytesFromClient, bytesFromAgent: outcome.bytesFromAgent }),
      ms: outcome.durationMs,
    });
  };
  return {
    connectionOpen: (connection, outcome) => {
      metrics().openSeconds.observe(outcome.durationMs / 1000);
      record('connection.open', connection, outcome);
    },
    connectionRefuse: (connection, outcome) => {
      metrics().connections.inc({ outcome: outcome.reset?.code ?? 'INTERNAL' });
      record('connection.refuse', connection, outcome);
    },
    connectionClose: (connection, outcome) => {
      metrics().connections.inc({ outcome: outcome.reset?.code ?? 'closed' });
      metrics().bytes.inc({ direction: 'from_client' }, outcome.bytesFromClient);
      metrics().bytes.inc({ direction: 'from_agent' }, outcome.bytesFromAgent);
      record('connection.close', connection, outcome);
    },
    agentPause: ({ info }, reason) =>
      audit.append({ event: 'agent.pause', identity: info.identity, peer: info.peer, session: info.id, reason }),
    agentResume: ({ info }) =>
      audit.append({ event: 'agent.resume', identity: info.identity, peer: info.peer, session: info.id }),
  };
}
