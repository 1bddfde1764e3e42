/** Tags of balancers, target groups and listeners. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html */
import type * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { listeners, loadBalancers, targetGroups } from './records.ts';

export function elbTags(tags: readonly sdk.Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

function needTagged(call: Call, arn: string): { tags: Record<string, string> } {
  const found = loadBalancers.mine(call, arn) ?? targetGroups.mine(call, arn) ?? listeners.mine(call, arn);
  if (found !== undefined) return found;
  const [code, noun] = arn.includes(':targetgroup/')
    ? ['TargetGroupNotFound', 'target groups']
    : arn.includes(':listener/')
      ? ['ListenerNotFound', 'listeners']
      : ['LoadBalancerNotFound', 'load balancers'];
  throw new AwsError(code, `One or more ${noun} not found: '[${arn}]'`);
}

export const elbTagOperations: Operations<typeof sdk> = {
  AddTags(call, input) {
    for (const arn of input.ResourceArns ?? []) Object.assign(needTagged(call, arn).tags, elbTags(input.Tags));
    return {};
  },
  RemoveTags(call, input) {
    for (const arn of input.ResourceArns ?? [])
      for (const key of input.TagKeys ?? []) delete needTagged(call, arn).tags[key];
    return {};
  },
  DescribeTags: (call, input) => ({
    TagDescriptions: (input.ResourceArns ?? []).map((ResourceArn) => ({
      ResourceArn,
      Tags: Object.entries(needTagged(call, ResourceArn).tags).map(([Key, Value]) => ({ Key, Value })),
    })),
  }),
};
