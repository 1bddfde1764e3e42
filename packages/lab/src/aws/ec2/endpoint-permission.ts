/** Who may connect to an endpoint service, and the connections it has. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpointServicePermissions.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { balancerAddressType } from '../elbv2/records.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { dnsEntries } from './endpoint.ts';
import { filtered } from './filter.ts';
import { need } from './lookup.ts';
import { isPrincipal, principalType } from './principal-arn.ts';
import { type Endpoint, type EndpointService, endpoints, endpointServices } from './privatelink-records.ts';
import { eachItem } from './unsuccessful.ts';
import { tagList } from './tags.ts';

const availableAfterMs = 400;

export const endpointPermissionOperations: Operations<typeof sdk> = {
  ModifyVpcEndpointServicePermissions(call, input) {
    const service = need(call, endpointServices, input.ServiceId);
    const add = input.AddAllowedPrincipals ?? [];
    const remove = input.RemoveAllowedPrincipals ?? [];
    const wrong = [...add, ...remove].find((arn) => !isPrincipal(arn));
    if (wrong !== undefined) throw new AwsError('InvalidPrincipal', `Invalid Principal: '${wrong}'`);
    const added = add.filter((arn) => !(arn in service.principals));
    for (const arn of added) service.principals[arn] = call.world.id('vpce-svc-perm');
    for (const arn of remove) delete service.principals[arn];
    return {
      ReturnValue: true,
      AddedPrincipals: added.map((arn) => ({
        ServiceId: service.id,
        Principal: arn,
        PrincipalType: principalType(arn),
        ServicePermissionId: service.principals[arn],
      })),
    };
  },

  DescribeVpcEndpointServicePermissions(call, input) {
    const service = need(call, endpointServices, input.ServiceId);
    const all = Object.entries(service.principals).map(([arn, permission]) => ({ arn, permission, tags: {} }));
    const found = filtered(all, input.Filters, {
      principal: ({ arn }) => arn,
      'principal-type': ({ arn }) => principalType(arn),
    });
    const { items, next } = page(call, found, ({ arn }) => arn, { max: input.MaxResults, token: input.NextToken });
    return {
      AllowedPrincipals: items.map(({ arn, permission }) => ({
        Principal: arn,
        PrincipalType: principalType(arn),
        ServiceId: service.id,
        ServicePermissionId: permission,
        Tags: [],
      })),
      NextToken: next,
    };
  },

  // moto has none of the next three: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AcceptVpcEndpointConnections.html
  DescribeVpcEndpointConnections(call, input) {
    const own = new Map(endpointServices.list(call).map((service) => [service.id, service]));
    const all = endpoints.all(call.world).filter(({ service }) => service !== undefined && own.has(service));
    const found = filtered(all, input.Filters, {
      'service-id': ({ service }) => service,
      'vpc-endpoint-id': ({ id }) => id,
      'vpc-endpoint-owner': ({ account }) => account,
      'vpc-endpoint-state': ({ state }) => state,
      'vpc-endpoint-region': ({ region }) => region,
      'ip-address-type': () => 'ipv4',
    });
    const { items, next } = page(call, found, ({ id }) => id, { max: input.MaxResults, token: input.NextToken });
    return {
      VpcEndpointConnections: items.map((endpoint) => show(call, own.get(endpoint.service!)!, endpoint)),
      NextToken: next,
    };
  },

  AcceptVpcEndpointConnections(call, input) {
    const service = need(call, endpointServices, input.ServiceId);
    return {
      Unsuccessful: eachItem(call, input.VpcEndpointIds, (id) => {
        const endpoint = connected(call, service, id);
        if (endpoint.state === 'available' || endpoint.state === 'pending') return;
        if (endpoint.state !== 'pendingAcceptance' && endpoint.state !== 'rejected')
          throw new AwsError(
            'InvalidState',
            `The VPC endpoint ${id} is ${endpoint.state ?? ''} and cannot be accepted`,
          );
        endpoints.become(call.world, endpoint, 'pending');
        endpoints.later(call, endpoint, 'available', availableAfterMs);
      }),
    };
  },

  RejectVpcEndpointConnections(call, input) {
    const service = need(call, endpointServices, input.ServiceId);
    return {
      Unsuccessful: eachItem(call, input.VpcEndpointIds, (id) => {
        const endpoint = connected(call, service, id);
        if (endpoint.state === 'deleting' || endpoint.state === 'deleted')
          throw new AwsError('InvalidState', `The VPC endpoint ${id} is ${endpoint.state}`);
        endpoints.become(call.world, endpoint, 'rejected');
      }),
    };
  },
};

function connected(call: Call, service: EndpointService, id: string): Endpoint {
  const endpoint = endpoints.get(call.world, id);
  if (endpoint === undefined || endpoint.service !== service.id)
    throw new AwsError('InvalidVpcEndpointId.NotFound', `The Vpc Endpoint Id '${id}' does not exist`);
  return endpoint;
}

function show(call: Call, service: EndpointService, endpoint: Endpoint): sdk.VpcEndpointConnection {
  return {
    ServiceId: service.id,
    VpcEndpointId: endpoint.id,
    VpcEndpointOwner: endpoint.account,
    VpcEndpointRegion: endpoint.region,
    // The API writes states in lower camel case where the SDK's enum has capitals.
    VpcEndpointState: endpoint.state as sdk.State,
    VpcEndpointConnectionId: endpoint.id.replace('vpce-', 'vpce-con-'),
    CreationTimestamp: new Date(endpoint.createdAtMs),
    DnsEntries: dnsEntries(call.world, endpoint),
    NetworkLoadBalancerArns: service.networkBalancers,
    GatewayLoadBalancerArns: service.gatewayBalancers,
    IpAddressType: balancerAddressType(call.world, service.networkBalancers) === 'dualstack' ? 'dualstack' : 'ipv4',
    Tags: tagList({}),
  };
}
