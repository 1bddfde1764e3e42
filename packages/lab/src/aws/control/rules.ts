/**
 * Faults and moods by rule: which calls a rule concerns, from which time on and how often, and what it does to them. Without
 * rules the simulator is a patient AWS on a good day.
 */
import { z } from 'zod';
import { fits as like } from '../access/pattern.ts';
import type { Stored } from '../world/kind.ts';

const text = z.string().max(2048);
const durationMs = z.number().int().min(0).max(86_400_000);
const problem = z.strictObject({
  code: text.min(1),
  message: text.optional(),
  status: z.number().int().min(400).max(599).optional(),
});

export const ruleSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .optional(),
  match: z
    .strictObject({
      service: text.optional(),
      action: text.optional(),
      account: text.optional(),
      region: text.optional(),
      principal: text.optional(),
      /** Each value must occur, as a pattern, somewhere among the call's parameters of that name. */
      input: z.record(z.string(), text).optional(),
      /** For `delay`: kind and state of a record. */
      kind: text.optional(),
      state: text.optional(),
    })
    .default({}),
  /** The first calls that match are let through. */
  skip: z.number().int().min(0).default(0),
  /** After so many uses the rule is spent; without it, it stays. */
  times: z.number().int().min(1).optional(),
  effect: z.union(
    [
      z.strictObject({ error: problem }),
      z.strictObject({ throttle: z.literal(true) }),
      z.strictObject({ drop: z.enum(['before', 'after']) }),
      z.strictObject({ latencyMs: durationMs }),
      z.strictObject({ pageSize: z.number().int().min(1).max(1000) }),
      z.strictObject({ emptyPage: z.literal(true) }),
      z.strictObject({ unsuccessful: problem.omit({ status: true }) }),
      z.strictObject({ hideNewForMs: durationMs }),
      z.strictObject({ delay: durationMs }),
    ],
    {
      error:
        'is exactly one of error {code, message?, status?}, throttle, drop (before or after), latencyMs, pageSize, emptyPage, unsuccessful {code, message?}, hideNewForMs and delay',
    },
  ),
});

export type RuleInput = z.input<typeof ruleSchema>;
export type Effect = z.output<typeof ruleSchema>['effect'];

export interface Rule extends z.output<typeof ruleSchema> {
  readonly id: string;
  /** How often it matched, and how often it was applied. */
  matched: number;
  applied: number;
}

export interface Subject {
  readonly service: string;
  readonly action: string;
  readonly account: string;
  readonly region: string;
  readonly principal: string;
  readonly input: unknown;
}

export class Rules {
  #rules: Rule[] = [];
  #made = 0;

  list(): readonly Rule[] {
    return this.#rules;
  }

  add(input: RuleInput): Rule {
    const parsed = ruleSchema.parse(input);
    const rule: Rule = { ...parsed, id: parsed.id ?? `rule-${++this.#made}`, matched: 0, applied: 0 };
    this.#rules = [...this.#rules.filter(({ id }) => id !== rule.id), rule];
    return rule;
  }

  remove(id: string): boolean {
    const before = this.#rules.length;
    this.#rules = this.#rules.filter((rule) => rule.id !== id);
    return this.#rules.length < before;
  }

  clear(): void {
    this.#rules = [];
  }

  /** The rules that apply to a call now; each is counted. */
  forCall(subject: Subject): readonly Rule[] {
    return this.#rules.filter((rule) => !('delay' in rule.effect) && fits(rule, subject) && take(rule));
  }

  /** How long until a record gets a state. */
  delayMs(kind: string, record: Stored, state: string, usualMs: number): number {
    for (const rule of this.#rules) {
      if (!('delay' in rule.effect)) continue;
      const { match } = rule;
      const wanted: ReadonlyArray<readonly [string | undefined, string]> = [
        [match.kind, kind],
        [match.state, state],
        [match.account, record.account],
        [match.region, record.region],
      ];
      if (wanted.every(([pattern, value]) => pattern === undefined || like(pattern, value, true)) && take(rule))
        return rule.effect.delay;
    }
    return usualMs;
  }
}

function take(rule: Rule): boolean {
  rule.matched += 1;
  if (rule.matched <= rule.skip) return false;
  if (rule.times !== undefined && rule.applied >= rule.times) return false;
  rule.applied += 1;
  return true;
}

function fits({ match }: Rule, subject: Subject): boolean {
  for (const key of ['service', 'action', 'account', 'region', 'principal'] as const) {
    const pattern = match[key];
    if (pattern !== undefined && !like(pattern, subject[key], true)) return false;
  }
  return Object.entries(match.input ?? {}).every(([name, pattern]) => {
    return valuesOf(subject.input, name).some((value) => like(pattern, value, true));
  });
}

/** Every scalar under a member of that name, at any depth. */
function valuesOf(input: unknown, name: string, inside = false): string[] {
  if (Array.isArray(input)) return input.flatMap((item) => valuesOf(item, name, inside));
  if (typeof input === 'object' && input !== null && !(input instanceof Date))
    return Object.entries(input).flatMap(([key, value]) => valuesOf(value, name, inside || key === name));
  return inside && (typeof input === 'string' || typeof input === 'number' || typeof input === 'boolean')
    ? [String(input)]
    : [];
}
