/** Tags as EC2 takes and gives them. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Call } from '../world/call.ts';
import { kinds } from '../world/kind.ts';

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions */
const tagsMax = 50;

/**
 * The tags a create call asks for its new resource. Tagging at creation needs ec2:CreateTags as well; moto asks nobody.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
 */
export function tagsFor(
  call: Call,
  type: string,
  specifications: readonly sdk.TagSpecification[] | undefined,
): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const specification of specifications ?? []) {
    if (specification.ResourceType !== type)
      throw new AwsError(
        'InvalidParameterValue',
        `'${specification.ResourceType ?? ''}' is not a valid taggable resource type for this operation.`,
      );
    setTags(tags, specification.Tags);
  }
  if (Object.keys(tags).length > 0) call.authorize('ec2:CreateTags', [call.arn('ec2', `${type}/*`)]);
  return tags;
}

export function setTags(into: Record<string, string>, tags: readonly sdk.Tag[] | undefined): void {
  for (const { Key: key = '', Value: value = '' } of tags ?? []) {
    if (key === '' || key.length > 127)
      throw new AwsError('InvalidParameterValue', `Tag key '${key}' must have 1 to 127 characters`);
    if (key.startsWith('aws:'))
      throw new AwsError('InvalidParameterValue', `Tag keys starting with 'aws:' are reserved for internal use`);
    if (value.length > 255)
      throw new AwsError('InvalidParameterValue', `The value of tag '${key}' exceeds 255 characters`);
    into[key] = value;
  }
  if (Object.keys(into).length > tagsMax)
    throw new AwsError('TagLimitExceeded', `A resource has at most ${tagsMax} tags`);
}

export function tagList(tags: Readonly<Record<string, string>>): sdk.Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** A caller's resource of whatever kind, for the tag calls. */
export function taggable(
  call: Call,
  id: string,
): { readonly type: string; readonly tags: Record<string, string> } | undefined {
  for (const kind of kinds.values()) {
    const type = kind.options.tagType;
    const record = type === undefined ? undefined : kind.mine(call, id);
    if (type !== undefined && record !== undefined) return { type, tags: record.tags };
  }
  return undefined;
}
