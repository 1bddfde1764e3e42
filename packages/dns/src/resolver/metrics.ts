/** What is counted, as plain numbers: the path of a query adds one here and there, and a scrape reads them. */
export interface RouteCounters {
  queries: number;
  /** By response code; what has no name of its own counts as "other". */
  readonly answers: Record<string, number>;
  fromCache: number;
}

export interface Counters {
  udp: number;
  tcp: number;
  relayed: number;
  fromCache: number;
  /** Not questions at all: too short, or responses. */
  dropped: number;
  malformed: number;
  /** Private names with a search domain behind them, answered here. */
  searchProducts: number;
  /** Messages that would have told a private name to somebody else. */
  withheld: number;
  unanswered: number;
  readonly routes: Map<string, RouteCounters>;
}

export function newCounters(): Counters {
  return {
    udp: 0,
    tcp: 0,
    relayed: 0,
    fromCache: 0,
    dropped: 0,
    malformed: 0,
    searchProducts: 0,
    withheld: 0,
    unanswered: 0,
    routes: new Map(),
  };
}

export function routeCounters(counters: Counters, source: string): RouteCounters {
  let found = counters.routes.get(source);
  if (found === undefined) {
    found = { queries: 0, answers: {}, fromCache: 0 };
    counters.routes.set(source, found);
  }
  return found;
}

const codeNames = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

export function countAnswer(route: RouteCounters, code: number): void {
  const name = codeNames[code] ?? 'other';
  route.answers[name] = (route.answers[name] ?? 0) + 1;
}
