/** Tags of resources that are there. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { kinds } from '../world/kind.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';
import { setTags, taggable } from './tags.ts';

export const tagOperations: Operations<typeof sdk> = {
  CreateTags(call, input) {
    // All are looked up before one is touched: the call is done for all or for none.
    for (const resource of (input.Resources ?? []).map((id) => needTaggable(call, id)))
      setTags(resource.tags, input.Tags);
    return {};
  },

  DeleteTags(call, input) {
    for (const { tags } of (input.Resources ?? []).map((id) => needTaggable(call, id))) {
      const unwanted: sdk.Tag[] = input.Tags ?? Object.keys(tags).map((Key) => ({ Key }));
      for (const { Key: key = '', Value: value } of unwanted)
        if (value === undefined || tags[key] === value) delete tags[key];
    }
    return {};
  },

  DescribeTags(call, input) {
    const all = [...kinds.values()].flatMap((kind) => {
      const type = kind.options.tagType;
      return type === undefined
        ? []
        : kind
            .list(call)
            .flatMap(({ id, tags }) =>
              Object.entries(tags).map(([key, value]) => ({ id, type, key, value, tags: { [key]: value } })),
            );
    });
    const found = filtered(all, input.Filters, {
      'resource-id': ({ id }) => id,
      'resource-type': ({ type }) => type,
      key: ({ key }) => key,
      value: ({ value }) => value,
    });
    const { items, next } = page(call, found, ({ id, key }) => `${id}|${key}`, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return {
      Tags: items.map(({ id, type, key, value }) => ({
        ResourceId: id,
        ResourceType: type as sdk.ResourceType,
        Key: key,
        Value: value,
      })),
      NextToken: next,
    };
  },
};

function needTaggable(call: Call, id: string): { readonly tags: Record<string, string> } {
  const found = taggable(call, id);
  if (found === undefined) throw new AwsError('InvalidID', `The ID '${id}' is not valid`);
  return found;
}
