/**
 * The provider's half of PrivateLink. https://docs.aws.amazon.com/vpc/latest/privatelink/create-endpoint-service.html
 */
import type * as sdk from '@aws-sdk/client-ec2';
import { needBalancerFor } from '../elbv2/records.ts';
import { AwsError } from '../error.ts';
import { hasTxt } from '../route53/records.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { dnsSuffix } from '../world/partition.ts';
import { filtered } from './filter.ts';
import { absent, chosen, need } from './lookup.ts';
import { connectedStates, type EndpointService, endpoints, endpointServices } from './privatelink-records.ts';
import { serviceZoneIds } from './service-names.ts';
import { tagList, tagsFor } from './tags.ts';
import { eachItem } from './unsuccessful.ts';
import { zonesFor } from './zones.ts';

const availableAfterMs = 300;

export const endpointServiceOperations: Operations<typeof sdk> = {
  CreateVpcEndpointServiceConfiguration(call, input) {
    const before = endpointServices.get(call.world, call.remembered(input.ClientToken));
    if (before !== undefined) return { ServiceConfiguration: show(call, before), ClientToken: input.ClientToken };
    const network = input.NetworkLoadBalancerArns ?? [];
    const gateway = input.GatewayLoadBalancerArns ?? [];
    if (network.length > 0 === gateway.length > 0)
      throw new AwsError(
        'InvalidParameter',
        'exactly one of network_load_balancer_arn or gateway_load_balancer_arn is a required member',
      );
    for (const arn of [...network, ...gateway]) bindable(call, arn, gateway.length > 0 ? 'gateway' : 'network');
    if (endpointServices.list(call).length >= call.world.quotas.endpointServicesPerRegion)
      throw new AwsError(
        'VpcEndpointServiceLimitExceeded',
        'The maximum number of VPC endpoint services has been reached.',
      );
    const id = call.world.id('vpce-svc');
    const service: EndpointService = {
      ...call.born(id, tagsFor(call, 'vpc-endpoint-service', input.TagSpecifications)),
      name: `com.amazonaws.vpce.${call.region}.${id}`,
      // Where the caller says nothing, acceptance is required.
      acceptance: input.AcceptanceRequired ?? true,
      networkBalancers: network,
      gatewayBalancers: gateway,
      principals: {},
      supportedRegions: [call.region, ...(input.SupportedRegions ?? []).filter((region) => region !== call.region)],
      state: 'Pending',
    };
    if (input.PrivateDnsName !== undefined) setPrivateName(call, service, input.PrivateDnsName);
    endpointServices.put(call.world, service);
    endpointServices.later(call, service, 'Available', availableAfterMs);
    call.remember(input.ClientToken, id);
    return { ServiceConfiguration: show(call, service), ClientToken: input.ClientToken };
  },

  DescribeVpcEndpointServiceConfigurations(call, input) {
    const found = filtered(chosen(call, endpointServices, input.ServiceIds), input.Filters, {
      'service-name': ({ name }) => name,
      'service-id': ({ id }) => id,
      'service-state': ({ state }) => state,
      'supported-ip-address-types': () => 'ipv4',
    });
    const { items, next } = page(call, found, ({ id }) => id, { max: input.MaxResults, token: input.NextToken });
    return { ServiceConfigurations: items.map((service) => show(call, service)), NextToken: next };
  },

  ModifyVpcEndpointServiceConfiguration(call, input) {
    const service = need(call, endpointServices, input.ServiceId);
    for (const arn of input.AddNetworkLoadBalancerArns ?? [])
      if (!service.networkBalancers.includes(arn)) bindable(call, arn, 'network');
    const left = [...new Set([...service.networkBalancers, ...(input.AddNetworkLoadBalancerArns ?? [])])].filter(
      (arn) => !(input.RemoveNetworkLoadBalancerArns ?? []).includes(arn),
    );
    if (left.length === 0 && service.gatewayBalancers.length === 0)
      throw new AwsError('InvalidParameter', 'A VPC endpoint service must have at least one load balancer');
    service.networkBalancers = left;
    service.acceptance = input.AcceptanceRequired ?? service.acceptance;
    if (input.RemovePrivateDnsName === true) delete service.privateDns;
    else if (input.PrivateDnsName !== undefined) setPrivateName(call, service, input.PrivateDnsName);
    service.supportedRegions = [...new Set([...service.supportedRegions, ...(input.AddSupportedRegions ?? [])])].filter(
      (region) => !(input.RemoveSupportedRegions ?? []).includes(region),
    );
    return { Return: true };
  },

  // A service with connections stays, and the answer to the call is 200 all the same: each item has its own.
  // https://docs.aws.amazon.com/vpc/latest/privatelink/delete-endpoint-service.html
  DeleteVpcEndpointServiceConfigurations: (call, input) => ({
    Unsuccessful: eachItem(call, input.ServiceIds, (id) => {
      if (!id.startsWith('vpce-svc-')) throw absent('vpc-endpoint-service', id);
      const service = endpointServices.mine(call, id);
      if (service === undefined)
        throw new AwsError('InvalidVpcEndpointService.NotFound', `The VpcEndpointService Id '${id}' does not exist`);
      const connected = endpoints
        .all(call.world)
        .some((endpoint) => endpoint.service === id && connectedStates.has(endpoint.state ?? ''));
      if (connected)
        throw new AwsError('ExistingVpcEndpointConnections', 'Service has existing active VPC Endpoint connections!');
      endpointServices.remove(call.world, id);
    }),
  }),

  StartVpcEndpointServicePrivateDnsVerification(call, input) {
    const service = need(call, endpointServices, input.ServiceId);
    if (service.privateDns === undefined)
      throw new AwsError('InvalidParameter', `The service ${service.id} has no private DNS name`);
    service.privateDns.state = hasTxt(
      call.world,
      `${service.privateDns.record}.${service.privateDns.name}`,
      service.privateDns.value,
    )
      ? 'verified'
      : 'failed';
    return { ReturnValue: true };
  },
};

/** A balancer carries at most one service, and must be the caller's own. */
function bindable(call: Call, arn: string, type: 'network' | 'gateway'): void {
  needBalancerFor(call, arn, type);
  const other = endpointServices
    .all(call.world)
    .find((service) => [...service.networkBalancers, ...service.gatewayBalancers].includes(arn));
  if (other !== undefined)
    // Seen from controllers that recover by it: github.com/openshift/hypershift, awsprivatelink controller.
    throw new AwsError(
      'InvalidParameter',
      `Load balancer ${arn} is already associated with the VPC endpoint service ${other.id}`,
    );
}

/** https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html: a TXT record proves that the domain is the owner's. */
function setPrivateName(call: Call, service: EndpointService, name: string): void {
  if (service.privateDns?.name === name) return;
  service.privateDns = {
    name,
    state: 'pendingVerification',
    value: `vpce:${call.world.hex(20)}`,
    record: `_${call.world.hex(18)}`,
  };
}

function show(call: Call, service: EndpointService): sdk.ServiceConfiguration {
  const ids = serviceZoneIds(call, service);
  const zones = zonesFor(call.world, call.account, call.region).filter(({ id }) => ids.includes(id));
  const dns = service.privateDns;
  return {
    ServiceId: service.id,
    ServiceName: service.name,
    ServiceState: service.state as sdk.ServiceState,
    ServiceType: [{ ServiceType: service.gatewayBalancers.length > 0 ? 'GatewayLoadBalancer' : 'Interface' }],
    AcceptanceRequired: service.acceptance,
    ManagesVpcEndpoints: false,
    AvailabilityZones: zones.map(({ name }) => name),
    AvailabilityZoneIds: zones.map(({ id }) => id),
    NetworkLoadBalancerArns: service.networkBalancers,
    GatewayLoadBalancerArns: service.gatewayBalancers,
    BaseEndpointDnsNames: [`${service.id}.${service.region}.vpce.${dnsSuffix(service.region)}`],
    SupportedIpAddressTypes: ['ipv4'],
    SupportedRegions: service.supportedRegions.map((Region) => ({ Region, ServiceState: 'Available' })),
    RemoteAccessEnabled: service.supportedRegions.length > 1,
    ...(dns === undefined
      ? {}
      : {
          PrivateDnsName: dns.name,
          PrivateDnsNameConfiguration: { State: dns.state, Type: 'TXT', Value: dns.value, Name: dns.record },
        }),
    Tags: tagList(service.tags),
  };
}
