/** What a consumer can connect to. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServices.html */
import type * as sdk from '@aws-sdk/client-ec2';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { dnsSuffix } from '../world/partition.ts';
import { filtered } from './filter.ts';
import { needService, type Offered, offered } from './service-names.ts';
import { tagList } from './tags.ts';
import { zonesFor } from './zones.ts';

export const endpointOfferOperations: Operations<typeof sdk> = {
  DescribeVpcEndpointServices(call, input) {
    const all =
      (input.ServiceNames ?? []).length > 0
        ? input.ServiceNames!.map((name) => needService(call, name))
        : offered(call);
    const found = filtered(all, input.Filters, {
      'service-name': ({ name }) => name,
      'service-type': ({ types }) => types,
      owner: ({ owner }) => owner,
      'supported-ip-address-types': () => 'ipv4',
      'service-region': () => call.region,
    });
    const { items, next } = page(call, found, ({ name }) => name, { max: input.MaxResults, token: input.NextToken });
    return {
      // AWS's S3 is offered as an interface and as a gateway: one detail for each.
      ServiceNames: items.map(({ name }) => name),
      ServiceDetails: items.flatMap((service) => service.types.map((type) => show(call, service, type))),
      NextToken: next,
    };
  },
};

function show(call: Call, service: Offered, type: sdk.ServiceType): sdk.ServiceDetail {
  // Names as this account has them: https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html
  const zones = zonesFor(call.world, call.account, call.region).filter(({ id }) => service.zoneIds.includes(id));
  const { privateDns } = service;
  return {
    ServiceName: service.name,
    ServiceId: service.id,
    ServiceType: [{ ServiceType: type }],
    ServiceRegion: call.region,
    AvailabilityZones: zones.map(({ name }) => name),
    AvailabilityZoneIds: zones.map(({ id }) => id),
    Owner: service.owner,
    BaseEndpointDnsNames: [
      service.own === undefined
        ? `${service.name.split('.').slice(3).reverse().join('.')}.${call.region}.vpce.${dnsSuffix(call.region)}`
        : `${service.id}.${call.region}.vpce.${dnsSuffix(call.region)}`,
    ],
    AcceptanceRequired: service.acceptance,
    ManagesVpcEndpoints: false,
    VpcEndpointPolicySupported: service.own === undefined,
    SupportedIpAddressTypes: ['ipv4'],
    ...(privateDns === undefined || type !== 'Interface'
      ? {}
      : {
          PrivateDnsName: privateDns.name,
          PrivateDnsNames: [{ PrivateDnsName: privateDns.name }],
          PrivateDnsNameVerificationState: privateDns.verified
            ? ('verified' as const)
            : ('pendingVerification' as const),
        }),
    Tags: tagList(service.tags),
  };
}
