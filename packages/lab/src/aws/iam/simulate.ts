/** What a principal may do, by the evaluation every call goes through. https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html */
import type * as sdk from '@aws-sdk/client-iam';
import { evaluate } from '../access/policy.ts';
import type { Operations } from '../model/operations.ts';
import { noSuch } from './common.ts';
import { documentsOfHolder } from './documents.ts';
import { roles, users } from './records.ts';

const words = { allow: 'allowed', 'explicit-deny': 'explicitDeny', 'implicit-deny': 'implicitDeny' } as const;

export const simulateOperations: Operations<typeof sdk> = {
  SimulatePrincipalPolicy(call, input) {
    const arn = input.PolicySourceArn ?? '';
    const holder = [...roles.list(call), ...users.list(call)].find((one) => one.arn === arn);
    if (holder === undefined) throw noSuch(`The entity ${arn} cannot be found.`);
    const documents = documentsOfHolder(call.world, holder);
    const context = Object.fromEntries(
      (input.ContextEntries ?? []).map(({ ContextKeyName: key = '', ContextKeyValues: values = [] }) => [
        key,
        values[0] ?? '',
      ]),
    );
    const results = (input.ActionNames ?? []).flatMap((action) =>
      (input.ResourceArns ?? ['*']).map((resource) => ({
        EvalActionName: action,
        EvalResourceName: resource,
        EvalDecision: words[evaluate(documents, { action, resource, context })],
        MatchedStatements: [],
        MissingContextValues: [],
      })),
    );
    return { EvaluationResults: results, IsTruncated: false };
  },
};
