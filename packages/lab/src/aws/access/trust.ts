/** Whether a role's trust policy lets a principal in. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html */
import { holds } from './condition.ts';
import { actionFits, parsePolicy, type Statement } from './policy.ts';
import type { Principal } from './principal.ts';

export interface Entry {
  readonly action: string;
  readonly principal: Principal;
  readonly context: Readonly<Record<string, string>>;
  /** The role's account. */
  readonly account: string;
  /** The identity provider's ARN, for a web identity. */
  readonly federated?: string;
}

/** `account`: trusted as a member of an account, so its own policies must allow it too; `named`: trusted by its own ARN. */
export function evaluateTrust(document: string, entry: Entry): false | 'account' | 'named' {
  let best: false | 'account' | 'named' = false;
  for (const statement of parsePolicy(document)) {
    if (!actionFits(statement, entry.action) || !holds(statement.condition, entry.context)) continue;
    const how = trusts(statement, entry);
    if (how === false) continue;
    if (statement.effect === 'Deny') return false;
    if (best !== 'named') best = how;
  }
  return best;
}

function trusts({ principal }: Statement, entry: Entry): false | 'account' | 'named' {
  if (principal === undefined) return false;
  if (principal === '*') return 'account';
  if (entry.federated !== undefined) return (principal['Federated'] ?? []).includes(entry.federated) ? 'named' : false;
  const names = principal['AWS'] ?? [];
  const own = entry.principal;
  if (names.includes(own.arn) || (own.kind === 'session' && names.includes(own.roleArn)))
    return own.kind === 'root' ? 'account' : 'named';
  const account = new RegExp(`^(\\*|${own.account}|arn:aws[\\w-]*:iam::${own.account}:root)$`);
  return names.some((name) => account.test(name)) ? 'account' : false;
}
