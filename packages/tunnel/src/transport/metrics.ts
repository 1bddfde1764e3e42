import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Process metrics under the field's usual names, without the default set's timers. */
export function collectProcessMetrics(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'nodejs_external_memory_bytes',
    help: 'Buffers outside the JavaScript heap, garbage that is not yet collected included.',
    registers,
    collect() {
      this.set(process.memoryUsage().external);
    },
  });
  new Gauge({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.set((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process, seconds since 1970.',
    registers,
  }).set(Date.now() / 1000 - process.uptime());
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  new Gauge({
    name: 'nodejs_eventloop_lag_p99_seconds',
    help: '99th percentile of the event loop delay since the last scrape.',
    registers,
    collect() {
      this.set(delay.percentile(99) / 1e9);
      delay.reset();
    },
  });
}

/** What both the agent and the client count of connections. */
export interface ConnectionMetrics {
  readonly total: Counter<'via' | 'outcome'>;
  readonly bytes: Counter<'direction'>;
  readonly openSeconds: Histogram;
}

export function connectionMetrics(registry: Registry, open: () => number): ConnectionMetrics {
  const registers = [registry];
  new Gauge({
    name: 'postern_tunnel_connections',
    help: 'Connections carried now.',
    registers,
    collect() {
      this.set(open());
    },
  });
  return {
    total: new Counter({
      name: 'postern_tunnel_connections_total',
      help: 'Connections by outcome: "carried" or the reason they were refused.',
      labelNames: ['via', 'outcome'] as const,
      registers,
    }),
    bytes: new Counter({
      name: 'postern_tunnel_bytes_total',
      help: 'Payload bytes of ended connections.',
      labelNames: ['direction'] as const,
      registers,
    }),
    // From a loopback open (0.3 ms) to the dial timeout.
    openSeconds: new Histogram({
      name: 'postern_tunnel_open_seconds',
      help: 'Time from the request to "connected".',
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    }),
  };
}
