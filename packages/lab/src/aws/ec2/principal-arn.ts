/** Allowed principals of endpoint services. https://docs.aws.amazon.com/vpc/latest/privatelink/configure-endpoint-service.html#add-remove-permissions */
import type { Principal } from '../access/principal.ts';

const pattern = /^arn:(aws[\w-]*):(iam|sts)::(\d{12}):(root|user\/.+|role\/.+|assumed-role\/.+|federated-user\/.+)$/;

export function isPrincipal(arn: string): boolean {
  return arn === '*' || pattern.test(arn);
}

export function principalType(arn: string): 'All' | 'Account' | 'User' | 'Role' {
  const what = pattern.exec(arn)?.[4];
  if (what === undefined) return 'All';
  if (what === 'root') return 'Account';
  return what.startsWith('user/') ? 'User' : 'Role';
}

/** Whether a service's list lets a principal in: all, its account, or itself (a session counts as its role). */
export function isAllowed(allowed: readonly string[], principal: Principal): boolean {
  const own = principal.kind === 'session' ? [principal.arn, principal.roleArn] : [principal.arn];
  return allowed.some((arn) => {
    if (arn === '*' || own.includes(arn)) return true;
    const match = pattern.exec(arn);
    return match?.[4] === 'root' && match[3] === principal.account;
  });
}
