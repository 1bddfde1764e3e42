import { destinationMatches, type Host } from '@postern/core';
import { type DestinationIndex, indexDestinations } from './destination-index.ts';
import type { Policy, Rule } from './schema.ts';

/** The server's decision at each open: which rules allow this client this destination, and through which agents. */

export interface Grant {
  readonly rule: string;
  readonly agents: readonly string[];
}

export interface Request {
  /** The client's identity from its verified certificate. */
  readonly client: string;
  /** The very host that will be dialled, canonical. */
  readonly host: Host;
  readonly port: number;
}

/** A policy with its indexes. Memory is linear in the file. */
export interface CompiledPolicy {
  readonly compiled: true;
  readonly policy: Policy;
  readonly byDestination: DestinationIndex<number>;
  /** Rule numbers of each client, ascending. */
  readonly byClient: ReadonlyMap<string, readonly number[]>;
  /** The same, to ask whether a rule is for a client. */
  readonly clientsOf: readonly ReadonlySet<string>[];
}

export function compilePolicy(policy: Policy): CompiledPolicy {
  const byClient = new Map<string, number[]>();
  const clientsOf = policy.rules.map((rule) => new Set(rule.clients));
  for (const [number, clients] of clientsOf.entries()) {
    for (const client of clients) {
      const numbers = byClient.get(client);
      if (numbers === undefined) byClient.set(client, [number]);
      else numbers.push(number);
    }
  }
  const byDestination = indexDestinations(
    policy.rules.flatMap((rule, number) => rule.destinations.map((destination) => [destination, number] as const)),
  );
  return { compiled: true, policy, byDestination, byClient, clientsOf };
}

const compiledOf = new WeakMap<Policy, CompiledPolicy>();

/** Every rule that allows it, in the file's order; empty means denied. A plain policy is compiled once and remembered. */
export function decide(policy: Policy | CompiledPolicy, request: Request): readonly Grant[] {
  const compiled = 'compiled' in policy ? policy : remembered(policy);
  const { rules } = compiled.policy;
  return matching(compiled, request).map((number) => grant(rules[number]!));
}

function remembered(policy: Policy): CompiledPolicy {
  let compiled = compiledOf.get(policy);
  if (compiled === undefined) compiledOf.set(policy, (compiled = compilePolicy(policy)));
  return compiled;
}

/** Goes through the shorter of two lists: the client's rules, or the rules that name the destination. */
function matching(compiled: CompiledPolicy, { client, host, port }: Request): number[] {
  const ofClient = compiled.byClient.get(client);
  if (ofClient === undefined) return [];
  const { rules } = compiled.policy;
  const destinations =
    ofClient.length > 16 ? Infinity : ofClient.reduce((n, i) => n + rules[i]!.destinations.length, 0);
  if (destinations <= compiled.byDestination.candidates(host))
    return ofClient.filter((number) => rules[number]!.destinations.some((d) => destinationMatches(d, host, port)));
  const numbers = new Set<number>();
  for (const number of compiled.byDestination.find(host, port))
    if (compiled.clientsOf[number]!.has(client)) numbers.add(number);
  return [...numbers].toSorted((a, b) => a - b);
}

function grant(rule: Rule): Grant {
  return { rule: rule.name, agents: rule.agents };
}
