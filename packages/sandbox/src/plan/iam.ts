/**
 * Would this trust policy let this token in? The part of IAM's evaluation that trust policies use. PURE. What it does not know
 * it does not count as a restriction: the linter must rather warn once too often.
 */
import { isObject, list, object } from '../gate/json.ts';

/** A token as STS sees it: the provider that signed it, and its claims as condition keys (`aud`, `sub`, ...). */
export interface Token {
  readonly issuer: string;
  readonly claims: Readonly<Record<string, string | readonly string[]>>;
}

export interface Admission {
  readonly admitted: boolean;
  /** Operators that were met and are not known here. */
  readonly unknown: readonly string[];
}

const assume = 'sts:AssumeRoleWithWebIdentity';

export function admits(policy: unknown, token: Token): Admission {
  const unknown = new Set<string>();
  const raw = object(policy)['Statement'];
  const statements = (Array.isArray(raw) ? list(raw) : [raw]).filter(isObject);
  const applies = (statement: Readonly<Record<string, unknown>>): boolean =>
    actionMatches(statement) &&
    principalMatches(statement, token) &&
    conditionsHold(object(statement['Condition']), token, statement['Effect'] === 'Allow', unknown);
  const denied = statements.some((statement) => statement['Effect'] === 'Deny' && applies(statement));
  const allowed = statements.some((statement) => statement['Effect'] === 'Allow' && applies(statement));
  return { admitted: allowed && !denied, unknown: [...unknown] };
}

function strings(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value])
    .filter((item) => typeof item === 'string' || typeof item === 'boolean' || typeof item === 'number')
    .map(String);
}

function actionMatches(statement: Readonly<Record<string, unknown>>): boolean {
  const like = (pattern: string): boolean => wildcard(pattern.toLowerCase()).test(assume.toLowerCase());
  if ('NotAction' in statement) return !strings(statement['NotAction']).some(like);
  return strings(statement['Action']).some(like);
}

function principalMatches(statement: Readonly<Record<string, unknown>>, { issuer }: Token): boolean {
  const principal = statement['Principal'];
  if (principal === '*') return true;
  return strings(object(principal)['Federated']).some(
    (arn) =>
      arn === '*' ||
      arn.toLowerCase() === issuer.toLowerCase() ||
      arn.toLowerCase().endsWith(`:oidc-provider/${issuer.toLowerCase()}`),
  );
}

/** Every operator and every key must hold; of a key's values one is enough. */
function conditionsHold(
  condition: Readonly<Record<string, unknown>>,
  token: Token,
  allow: boolean,
  unknown: Set<string>,
): boolean {
  return Object.entries(condition).every(([operator, keys]) =>
    Object.entries(object(keys)).every(([key, values]) => {
      const held = holds(operator, key, strings(values), token);
      if (held === undefined) unknown.add(`${operator} of ${key}`);
      return held ?? allow;
    }),
  );
}

function holds(operator: string, key: string, wanted: readonly string[], token: Token): boolean | undefined {
  const parts = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(operator);
  if (parts === null) return undefined;
  const [, quantifier, base, ifExists] = parts;
  // What a token does not carry (source address, time) could be anything.
  if (/^(aws|sts):/i.test(key)) return undefined;
  const actual = claim(token, key);
  if (base === 'Null') return wanted.some((value) => (value === 'true') === (actual === undefined));
  // The trap of ForAllValues: a claim that is absent, or misspelled in the policy, has no value that fails.
  if (actual === undefined)
    return ifExists !== undefined || quantifier === 'ForAllValues' || /^(StringNot|ArnNot|NumericNot)/.test(base!);
  const test = comparison(base!, wanted);
  if (test === undefined) return undefined;
  if (quantifier === 'ForAllValues') return actual.every(test);
  return actual.some(test);
}

function comparison(base: string, wanted: readonly string[]): ((actual: string) => boolean) | undefined {
  switch (base) {
    case 'StringEquals':
      // A star means itself here: a policy that hopes otherwise lets nobody in.
      return (actual) => wanted.includes(actual);
    case 'StringNotEquals':
      return (actual) => !wanted.includes(actual);
    case 'StringEqualsIgnoreCase':
      return (actual) => wanted.some((value) => value.toLowerCase() === actual.toLowerCase());
    case 'StringNotEqualsIgnoreCase':
      return (actual) => !wanted.some((value) => value.toLowerCase() === actual.toLowerCase());
    case 'StringLike':
    case 'ArnLike':
    case 'ArnEquals':
      return (actual) => wanted.some((value) => wildcard(value).test(actual));
    case 'StringNotLike':
    case 'ArnNotLike':
    case 'ArnNotEquals':
      return (actual) => !wanted.some((value) => wildcard(value).test(actual));
    case 'Bool':
      return (actual) => wanted.some((value) => value.toLowerCase() === actual.toLowerCase());
    default:
      return undefined;
  }
}

/** Condition keys are `ISSUER:CLAIM`, case-insensitive; a key of another issuer finds nothing. */
function claim({ issuer, claims }: Token, key: string): readonly string[] | undefined {
  const prefix = `${issuer}:`.toLowerCase();
  if (!key.toLowerCase().startsWith(prefix)) return undefined;
  const name = key.slice(prefix.length).toLowerCase();
  const found = Object.entries(claims).find(([own]) => own.toLowerCase() === name)?.[1];
  return found === undefined ? undefined : typeof found === 'string' ? [found] : found;
}

/** `*` is any text, slashes and colons included; `?` any one character. Two pointers and one memory: a made-up pattern costs no more than text x pattern. */
export function wildcard(pattern: string): { readonly test: (text: string) => boolean } {
  return {
    test(text) {
      let p = 0;
      let starAt = -1;
      let resumeAt = 0;
      for (let t = 0; t < text.length;) {
        if (p < pattern.length && pattern[p] === '*') {
          starAt = p++;
          resumeAt = t;
        } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
          p++;
          t++;
        } else if (starAt >= 0) {
          p = starAt + 1;
          t = ++resumeAt;
        } else return false;
      }
      while (pattern[p] === '*') p++;
      return p === pattern.length;
    },
  };
}
