import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MemoryBudget } from '@postern/tunnel/transport';
import type { Broker } from '../broker/broker.ts';

/** What the server counts. Reasons are the codes of the audit log, so that a graph and a record can be held against one another. */
export interface ServerMetrics {
  readonly connections: Counter<'outcome'>;
  readonly bytes: Counter<'direction'>;
  readonly openSeconds: Histogram;
  readonly sessions: Counter<'event' | 'reason'>;
  readonly certificates: Counter<'event' | 'reason'>;
}

export function serverMetrics(
  registry: Registry,
  broker: Broker,
  budget: MemoryBudget,
  auditHead: () => { readonly sequence: number; readonly hash: string },
): ServerMetrics {
  const registers = [registry];
  new Gauge({
    name: 'postern_tunnel_audit_head',
    help: 'Number of the newest audit record, with its hash: kept by whoever scrapes, it shows when the log was cut off.',
    labelNames: ['hash'] as const,
    registers,
    collect() {
      const { sequence, hash } = auditHead();
      this.reset();
      this.set({ hash }, sequence);
    },
  });
  new Gauge({
    name: 'postern_tunnel_sessions',
    help: 'Sessions by role.',
    labelNames: ['role'] as const,
    registers,
    collect() {
      this.reset();
      for (const session of broker.sessions.all) this.inc({ role: session.role ?? 'unknown' });
    },
  });
  new Gauge({
    name: 'postern_tunnel_connections',
    help: 'Connections open or opening now.',
    registers,
    collect() {
      this.set(broker.connections.size);
    },
  });
  new Gauge({
    name: 'postern_tunnel_parked_accepts',
    help: 'Parked calls of agents: connections that can begin without waiting.',
    registers,
    collect() {
      this.set([...broker.sessions.all].reduce((sum, session) => sum + session.parked.size, 0));
    },
  });
  new Gauge({
    name: 'postern_tunnel_held_bytes',
    help: 'Bytes buffered for slow readers.',
    registers,
    collect() {
      this.set(budget.heldBytes);
    },
  });
  return {
    connections: new Counter({
      name: 'postern_tunnel_connections_total',
      help: 'Connections by outcome: "closed", or the reason they were refused or cut.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    bytes: new Counter({
      name: 'postern_tunnel_bytes_total',
      help: 'Payload bytes of ended connections.',
      labelNames: ['direction'] as const,
      registers,
    }),
    openSeconds: new Histogram({
      name: 'postern_tunnel_open_seconds',
      help: 'From the call of the client to Opened of the agent.',
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    }),
    sessions: new Counter({
      name: 'postern_tunnel_sessions_total',
      help: 'Sessions opened, closed and refused, by reason.',
      labelNames: ['event', 'reason'] as const,
      registers,
    }),
    certificates: new Counter({
      name: 'postern_tunnel_certificates_total',
      help: 'Certificates issued, renewed and refused, by reason.',
      labelNames: ['event', 'reason'] as const,
      registers,
    }),
  };
}
