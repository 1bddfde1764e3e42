/**
 * Evaluates IAM policies: an explicit deny wins, then an allow, else it is denied. PURE but for the texts it is given.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { AwsError } from '../error.ts';
import { holds } from './condition.ts';
import { fits } from './pattern.ts';

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly action: readonly string[];
  readonly notAction: readonly string[] | undefined;
  readonly resource: readonly string[];
  readonly notResource: readonly string[] | undefined;
  readonly principal: Readonly<Record<string, readonly string[]>> | '*' | undefined;
  readonly condition: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

export interface Question {
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
}

export type Verdict = 'allow' | 'explicit-deny' | 'implicit-deny';

/** Larger documents are refused by IAM (6144 characters for managed policies, 10240 for inline ones of a role in sum). */
const documentCharactersMax = 10_240;
const parsed = new Map<string, readonly Statement[]>();

/** The statements of a policy document. Kept by text: the same policies are asked at every call. */
export function parsePolicy(document: string): readonly Statement[] {
  const known = parsed.get(document);
  if (known !== undefined) return known;
  const statements = readPolicy(document);
  if (parsed.size > 1000) parsed.clear();
  parsed.set(document, statements);
  return statements;
}

function readPolicy(document: string): readonly Statement[] {
  if (document.length > documentCharactersMax) throw malformed('the document is too long');
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch {
    throw malformed('This policy contains invalid Json');
  }
  if (typeof value !== 'object' || value === null || !('Statement' in value)) throw malformed('it has no Statement');
  return list(value.Statement).map((one) => readStatement(one));
}

function readStatement(value: unknown): Statement {
  if (typeof value !== 'object' || value === null) throw malformed('a statement is no object');
  const raw = value as Record<string, unknown>;
  if (raw['Effect'] !== 'Allow' && raw['Effect'] !== 'Deny') throw malformed('Effect must be Allow or Deny');
  if (raw['Action'] === undefined && raw['NotAction'] === undefined)
    throw malformed('Policy statement must contain actions.');
  return {
    effect: raw['Effect'],
    action: texts(raw['Action']),
    notAction: raw['NotAction'] === undefined ? undefined : texts(raw['NotAction']),
    resource: texts(raw['Resource']),
    notResource: raw['NotResource'] === undefined ? undefined : texts(raw['NotResource']),
    principal: readPrincipal(raw['Principal']),
    condition: readCondition(raw['Condition']),
  };
}

function readPrincipal(value: unknown): Statement['principal'] {
  if (value === undefined || value === '*') return value;
  if (typeof value !== 'object' || value === null) throw malformed('Principal must be an object');
  return Object.fromEntries(Object.entries(value).map(([type, names]) => [type, texts(names)]));
}

function readCondition(value: unknown): Statement['condition'] {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null) throw malformed('Condition must be an object');
  return Object.fromEntries(
    Object.entries(value).map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys as object).map(([key, values]) => [key.toLowerCase(), texts(values)])),
    ]),
  );
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
const texts = (value: unknown): readonly string[] => (value === undefined ? [] : list(value).map(String));
const malformed = (why: string): AwsError => new AwsError('MalformedPolicyDocument', why);

/** What identity policies say to a question. */
export function evaluate(documents: readonly string[], question: Question): Verdict {
  let verdict: Verdict = 'implicit-deny';
  for (const statement of documents.flatMap((document) => parsePolicy(document))) {
    if (!appliesTo(statement, question)) continue;
    if (statement.effect === 'Deny') return 'explicit-deny';
    verdict = 'allow';
  }
  return verdict;
}

function appliesTo(statement: Statement, question: Question): boolean {
  return (
    actionFits(statement, question.action) &&
    resourceFits(statement, question.resource) &&
    holds(statement.condition, question.context)
  );
}

export function actionFits(statement: Statement, action: string): boolean {
  // Action names ignore case: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
  if (statement.notAction !== undefined) return !statement.notAction.some((pattern) => fits(pattern, action, true));
  return statement.action.some((pattern) => fits(pattern, action, true));
}

function resourceFits(statement: Statement, resource: string): boolean {
  if (statement.notResource !== undefined) return !statement.notResource.some((pattern) => fits(pattern, resource));
  // A resource-based policy has no Resource: it means the thing it is attached to.
  return statement.resource.length === 0 || statement.resource.some((pattern) => fits(pattern, resource));
}
