/** Prefix lists of AWS's own services, as gateway endpoints route to them. https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html */
import type * as sdk from '@aws-sdk/client-ec2';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';

const services = [
  { short: 's3', cidr: '198.51.100.0/25' },
  { short: 'dynamodb', cidr: '198.51.100.128/25' },
];

function listsOf(call: Call) {
  return services.map(({ short, cidr }) => ({
    id: prefixListId(call.region, short),
    name: `com.amazonaws.${call.region}.${short}`,
    cidr,
    tags: {},
  }));
}

export function prefixListId(region: string, short: string): string {
  return `pl-${Buffer.from(`${short}${region}`).toString('hex').slice(0, 8)}`;
}

export const prefixListOperations: Operations<typeof sdk> = {
  DescribePrefixLists(call, input) {
    const named = listsOf(call).filter(({ id }) => (input.PrefixListIds ?? [id]).includes(id));
    const found = filtered(named, input.Filters, {
      'prefix-list-id': ({ id }) => id,
      'prefix-list-name': ({ name }) => name,
    });
    const { items, next } = page(call, found, ({ id }) => id, { max: input.MaxResults, token: input.NextToken });
    return {
      PrefixLists: items.map(({ id, name, cidr }) => ({ PrefixListId: id, PrefixListName: name, Cidrs: [cidr] })),
      NextToken: next,
    };
  },

  DescribeManagedPrefixLists(call, input) {
    const named = listsOf(call).filter(({ id }) => (input.PrefixListIds ?? [id]).includes(id));
    const found = filtered(named, input.Filters, {
      'owner-id': () => 'AWS',
      'prefix-list-id': ({ id }) => id,
      'prefix-list-name': ({ name }) => name,
    });
    const { items, next } = page(call, found, ({ id }) => id, { max: input.MaxResults, token: input.NextToken });
    return {
      PrefixLists: items.map(({ id, name }) => ({
        PrefixListId: id,
        PrefixListName: name,
        OwnerId: 'AWS',
        AddressFamily: 'IPv4',
        State: 'create-complete' as const,
      })),
      NextToken: next,
    };
  },
};
