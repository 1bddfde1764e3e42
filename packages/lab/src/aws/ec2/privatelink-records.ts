/** What EC2 keeps of PrivateLink: services on the provider's side, endpoints on the consumer's. */
import type * as sdk from '@aws-sdk/client-ec2';
import { Kind, type Stored } from '../world/kind.ts';
import { removeInterfacesOf } from './interface.ts';

export interface EndpointService extends Stored {
  readonly name: string;
  acceptance: boolean;
  networkBalancers: string[];
  gatewayBalancers: string[];
  /** Allowed principals by ARN, each with the id of its permission. */
  principals: Record<string, string>;
  privateDns?: { name: string; state: sdk.DnsNameState; value: string; record: string };
  supportedRegions: string[];
}

export interface Endpoint extends Stored {
  readonly vpc: string;
  readonly type: sdk.VpcEndpointType;
  readonly serviceName: string;
  /** The id of the customers' service, absent for AWS's own. */
  readonly service?: string;
  readonly dnsPrefix: string;
  policy: string;
  subnets: string[];
  groups: string[];
  routeTables: string[];
  privateDns: boolean;
  recordIpType: sdk.DnsRecordIpType;
  /** Names are made when the endpoint leaves `pending` for the first time. */
  named: boolean;
}

export const endpointServices = new Kind<EndpointService>('vpc-endpoint-service', { tagType: 'vpc-endpoint-service' });

export const endpoints = new Kind<Endpoint>('vpc-endpoint', {
  tagType: 'vpc-endpoint',
  entered(world, endpoint, state) {
    if (state === 'available') endpoint.named = true;
    // The interfaces go with the endpoint, not with the wish to delete it: until then the subnet and the group are in use.
    if (state === 'deleted' || state === 'gone') removeInterfacesOf(world, endpoint.id);
  },
});

/** States in which a service has the endpoint as a connection it must get rid of before it can go. */
export const connectedStates: ReadonlySet<string> = new Set(['pendingAcceptance', 'pending', 'available', 'deleting']);
