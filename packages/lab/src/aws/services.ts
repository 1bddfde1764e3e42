/** Which handler answers which operation. */
import { cloudFormationOperations } from './cloudformation/operations.ts';
import { ec2Operations } from './ec2/operations.ts';
import { ecrOperations } from './ecr/operations.ts';
import { eksOperations } from './eks/operations.ts';
import { elbOperations } from './elbv2/operations.ts';
import { iamOperations } from './iam/operations.ts';
import { route53Operations } from './route53/operations.ts';
import { stsOperations } from './sts/operations.ts';
import type { Call } from './world/call.ts';

/** The input's type is the operation's own: each family's table is checked against the SDK where it is written. */
type AnyHandler = (call: Call, input: never) => unknown;

export const handlers: Readonly<Record<string, Readonly<Record<string, AnyHandler | undefined>>>> = {
  cloudformation: cloudFormationOperations,
  ec2: ec2Operations,
  elasticloadbalancing: elbOperations,
  route53: route53Operations,
  iam: iamOperations,
  ecr: ecrOperations,
  eks: eksOperations,
  sts: stsOperations,
};
