/** The counters in Prometheus' text format, written by hand: these are plain numbers, and a library for them takes 1 MB. */
import type { Counters } from '../resolver/metrics.ts';
import type { Resolver } from '../resolver/resolver.ts';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [Labels, number];
type Kind = 'counter' | 'gauge';

export interface Metrics {
  readonly contentType: 'text/plain; version=0.0.4; charset=utf-8';
  metrics(): Promise<string>;
}

export function dnsMetrics(counters: Counters, current: () => Resolver): Metrics {
  return {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    metrics: () => Promise.resolve(exposition(counters, current)),
  };
}

function exposition(counters: Counters, current: () => Resolver): string {
  let text = '';
  const add = (kind: Kind, name: string, help: string, samples: readonly Sample[]): void => {
    const full = `postern_dns_${name}`;
    text += `# HELP ${full} ${help}\n# TYPE ${full} ${kind}\n`;
    for (const [labels, number] of samples) text += `${full}${labelText(labels)} ${number}\n`;
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

  add('counter', 'queries_total', 'Messages from clients.', [
    [{ transport: 'udp' }, counters.udp],
    [{ transport: 'tcp' }, counters.tcp],
  ]);
  add('counter', 'outcomes_total', 'What became of them.', [
    [{ outcome: 'relayed' }, counters.relayed],
    [{ outcome: 'cache' }, counters.fromCache],
    [{ outcome: 'malformed' }, counters.malformed],
    [{ outcome: 'dropped' }, counters.dropped],
    [{ outcome: 'search_product' }, counters.searchProducts],
    [{ outcome: 'withheld' }, counters.withheld],
    [{ outcome: 'unanswered' }, counters.unanswered],
  ]);
  add(
    'counter',
    'route_queries_total',
    'Questions for a private name.',
    routes((r) => [[{}, r.queries]]),
  );
  add(
    'counter',
    'route_cached_total',
    'Of those, answered from the cache.',
    routes((r) => [[{}, r.fromCache]]),
  );
  add(
    'counter',
    'route_answers_total',
    'Answers for a private name.',
    routes((r) => Object.entries(r.answers).map(([rcode, n]): Sample => [{ rcode }, n])),
  );
  add(
    'counter',
    'upstream_queries_total',
    'Questions sent.',
    upstreams((u) => u.counters.queries),
  );
  add(
    'counter',
    'upstream_replies_total',
    'Replies that fitted.',
    upstreams((u) => u.counters.replies),
  );
  add(
    'counter',
    'upstream_reply_seconds_total',
    'Time until those replies.',
    upstreams((u) => u.counters.replySeconds),
  );
  add(
    'counter',
    'upstream_failures_total',
    'No reply in time, or refused.',
    upstreams((u) => u.counters.failures),
  );
  add(
    'counter',
    'upstream_strays_total',
    'Replies to no open question.',
    upstreams((u) => u.counters.strays),
  );
  add(
    'gauge',
    'upstream_up',
    '1 while it answers.',
    upstreams((u) => (u.well ? 1 : 0)),
  );
  add('gauge', 'cache_entries', 'Replies kept.', [[{}, current().cache.size]]);
  add('gauge', 'cache_bytes', 'What they take.', [[{}, current().cache.bytes]]);
  add('gauge', 'open_queries', 'Questions to upstreams without a reply yet.', [
    [{}, current().groups.reduce((sum, group) => sum + group.open, 0)],
  ]);
  add('gauge', 'resident_memory_bytes', 'RSS of this process.', [[{}, process.memoryUsage.rss()]]);
  return text;
}

/** Names hold nothing that needs an escape; should one ever, it gets it. */
function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
