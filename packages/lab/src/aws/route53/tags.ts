/** Tags of hosted zones. https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeTagsForResource.html */
import type * as sdk from '@aws-sdk/client-route-53';
import type { Operations } from '../model/operations.ts';
import { needZone } from './zone.ts';

const list = (tags: Readonly<Record<string, string>>): sdk.Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

export const route53TagOperations: Operations<typeof sdk> = {
  ChangeTagsForResource(call, input) {
    const { tags } = needZone(call, input.ResourceId);
    for (const { Key = '', Value = '' } of input.AddTags ?? []) tags[Key] = Value;
    for (const key of input.RemoveTagKeys ?? []) delete tags[key];
    return {};
  },
  ListTagsForResource: (call, input) => ({
    ResourceTagSet: {
      ResourceType: input.ResourceType,
      ResourceId: input.ResourceId,
      Tags: list(needZone(call, input.ResourceId).tags),
    },
  }),
  ListTagsForResources: (call, input) => ({
    ResourceTagSets: (input.ResourceIds ?? []).map((id) => ({
      ResourceType: input.ResourceType,
      ResourceId: id,
      Tags: list(needZone(call, id).tags),
    })),
  }),
  GetDNSSEC: (call, input) => (
    needZone(call, input.HostedZoneId),
    { Status: { ServeSignature: 'NOT_SIGNING' }, KeySigningKeys: [] }
  ),
  ListQueryLoggingConfigs: () => ({ QueryLoggingConfigs: [] }),
};
