/** The counters as Prometheus reads them. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Counters } from '../resolver/metrics.ts';
import type { Resolver } from '../resolver/resolver.ts';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [Labels, number];

export function metricsRegistry(counters: Counters, current: () => Resolver): Registry {
  const registry = new Registry();
  const add = (
    kind: typeof Counter | typeof Gauge,
    name: string,
    help: string,
    labels: string[],
    read: () => Sample[],
  ): void => {
    const metric = new kind({
      name: `postern_dns_${name}`,
      help,
      labelNames: labels,
      registers: [],
      collect() {
        this.reset();
        for (const [values, number] of read()) this.inc(values, number);
      },
    });
    registry.registerMetric(metric);
  };
  const routes = (
    read: (route: { queries: number; fromCache: number; answers: Record<string, number> }) => Sample[],
  ): Sample[] =>
    [...counters.routes].flatMap(([route, counted]) =>
      read(counted).map(([labels, n]): Sample => [{ route, ...labels }, n]),
    );
  const upstreams = (read: (upstream: Resolver['upstreams']['upstreams'][number]) => number): Sample[] => {
    const sums = new Map<string, number>();
    for (const upstream of current().groups.flatMap((group) => group.upstreams))
      sums.set(upstream.name, (sums.get(upstream.name) ?? 0) + read(upstream));
    return [...sums].map(([upstream, n]): Sample => [{ upstream }, n]);
  };

  add(Counter, 'queries_total', 'Messages from clients.', ['transport'], () => [
    [{ transport: 'udp' }, counters.udp],
    [{ transport: 'tcp' }, counters.tcp],
  ]);
  add(Counter, 'outcomes_total', 'What became of them.', ['outcome'], () => [
    [{ outcome: 'relayed' }, counters.relayed],
    [{ outcome: 'cache' }, counters.fromCache],
    [{ outcome: 'malformed' }, counters.malformed],
    [{ outcome: 'dropped' }, counters.dropped],
    [{ outcome: 'search_product' }, counters.searchProducts],
    [{ outcome: 'withheld' }, counters.withheld],
    [{ outcome: 'unanswered' }, counters.unanswered],
  ]);
  add(Counter, 'route_queries_total', 'Questions for a private name.', ['route'], () =>
    routes((r) => [[{}, r.queries]]),
  );
  add(Counter, 'route_cached_total', 'Of those, answered from the cache.', ['route'], () =>
    routes((r) => [[{}, r.fromCache]]),
  );
  add(Counter, 'route_answers_total', 'Answers for a private name.', ['route', 'rcode'], () =>
    routes((r) => Object.entries(r.answers).map(([rcode, n]): Sample => [{ rcode }, n])),
  );
  add(Counter, 'upstream_queries_total', 'Questions sent.', ['upstream'], () => upstreams((u) => u.counters.queries));
  add(Counter, 'upstream_replies_total', 'Replies that fitted.', ['upstream'], () =>
    upstreams((u) => u.counters.replies),
  );
  add(Counter, 'upstream_reply_seconds_total', 'Time until those replies.', ['upstream'], () =>
    upstreams((u) => u.counters.replySeconds),
  );
  add(Counter, 'upstream_failures_total', 'No reply in time, or refused.', ['upstream'], () =>
    upstreams((u) => u.counters.failures),
  );
  add(Counter, 'upstream_strays_total', 'Replies to no open question.', ['upstream'], () =>
    upstreams((u) => u.counters.strays),
  );
  add(Gauge, 'upstream_up', '1 while it answers.', ['upstream'], () => upstreams((u) => (u.well ? 1 : 0)));
  add(Gauge, 'cache_entries', 'Replies kept.', [], () => [[{}, current().cache.size]]);
  add(Gauge, 'cache_bytes', 'What they take.', [], () => [[{}, current().cache.bytes]]);
  add(Gauge, 'open_queries', 'Questions to upstreams without a reply yet.', [], () => [
    [{}, current().groups.reduce((sum, group) => sum + group.open, 0)],
  ]);
  add(Gauge, 'resident_memory_bytes', 'RSS of this process.', [], () => [[{}, process.memoryUsage.rss()]]);
  return registry;
}
