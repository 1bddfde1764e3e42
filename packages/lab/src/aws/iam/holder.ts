/** Policies of whoever holds them: roles and users. */
import { parsePolicy } from '../access/policy.ts';
import { AwsError } from '../error.ts';
import type { Call } from '../world/call.ts';
import { noSuch } from './common.ts';
import { isManaged } from './managed.ts';
import { policies } from './records.ts';

/** What calls without an answer answer. */
type Empty = Readonly<Record<string, never>>;

export interface HolderOf {
  inline: Record<string, string>;
  attached: string[];
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: ten managed policies, more on request. */
const attachedMax = 20;

export function inlineOf(holder: HolderOf) {
  return {
    put(name = '', document = ''): Empty {
      parsePolicy(document);
      holder.inline[name] = document;
      return {};
    },
    remove(name = ''): Empty {
      if (!(name in holder.inline)) throw noSuch(`The role policy with name ${name} cannot be found.`);
      delete holder.inline[name];
      return {};
    },
    get(name = ''): string {
      const document = holder.inline[name];
      if (document === undefined) throw noSuch(`The role policy with name ${name} cannot be found.`);
      return encodeURIComponent(document);
    },
  };
}

export function attach(call: Call, holder: HolderOf, arn = ''): Empty {
  if (policies.get(call.world, arn) === undefined && !isManaged(arn))
    throw noSuch(`Policy ${arn} does not exist or is not attachable.`);
  if (!holder.attached.includes(arn)) {
    if (holder.attached.length >= attachedMax)
      throw new AwsError('LimitExceeded', `Cannot exceed quota for PoliciesPerRole: ${attachedMax}`, 409);
    holder.attached.push(arn);
  }
  return {};
}

export function detach(holder: HolderOf, arn = ''): Empty {
  if (!holder.attached.includes(arn)) throw noSuch(`Policy ${arn} was not found.`);
  holder.attached = holder.attached.filter((one) => one !== arn);
  return {};
}
