/** What Elastic Load Balancing keeps. Ids are ARNs. */
import type * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { AwsError } from '../error.ts';
import type { Call } from '../world/call.ts';
import { Kind, type Stored } from '../world/kind.ts';
import type { World } from '../world/world.ts';
import { removeInterfacesOf } from '../ec2/interface.ts';

export interface LoadBalancer extends Stored {
  readonly name: string;
  readonly type: sdk.LoadBalancerTypeEnum;
  readonly scheme: sdk.LoadBalancerSchemeEnum;
  readonly vpc: string;
  readonly dnsName: string;
  addressType: sdk.IpAddressType;
  zones: { name: string; id: string; subnet: string }[];
  groups: string[];
  attributes: Record<string, string>;
}

export interface TargetGroup extends Stored {
  readonly name: string;
  readonly protocol: sdk.ProtocolEnum | undefined;
  readonly port: number | undefined;
  readonly vpc: string | undefined;
  readonly targetType: sdk.TargetTypeEnum;
  readonly addressType: sdk.TargetGroupIpAddressTypeEnum;
  check: {
    protocol: sdk.ProtocolEnum;
    port: string;
    path: string | undefined;
    enabled: boolean;
    intervalSeconds: number;
    timeoutSeconds: number;
    healthy: number;
    unhealthy: number;
    matcher: string | undefined;
  };
  attributes: Record<string, string>;
  targets: { id: string; port: number; zone: string | undefined; sinceMs: number; draining?: boolean }[];
}

export interface Listener extends Stored {
  readonly balancer: string;
  protocol: sdk.ProtocolEnum;
  port: number;
  actions: sdk.Action[];
  certificates: string[];
  sslPolicy: string | undefined;
  alpn: string[];
}

export const loadBalancers = new Kind<LoadBalancer>('load-balancer', {
  entered(world, balancer, state) {
    if (state === 'gone') removeInterfacesOf(world, balancer.id);
  },
});
export const targetGroups = new Kind<TargetGroup>('target-group');
export const listeners = new Kind<Listener>('listener');

/** The zones some balancers cover together. */
export function zoneIdsOf(world: World, arns: readonly string[]): string[] {
  return [...new Set(arns.flatMap((arn) => loadBalancers.get(world, arn)?.zones.map(({ id }) => id) ?? []))].toSorted();
}

export function balancerAddressType(world: World, arns: readonly string[]): sdk.IpAddressType {
  return loadBalancers.get(world, arns[0])?.addressType ?? 'ipv4';
}

/** A balancer an endpoint service may use: the caller's, in the region, of the right type. moto takes any text. */
export function needBalancerFor(call: Call, arn: string, type: 'network' | 'gateway'): LoadBalancer {
  const balancer = loadBalancers.mine(call, arn);
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
  if (balancer === undefined)
    throw new AwsError('InvalidLoadBalancerArn.NotFound', `The load balancer '${arn}' does not exist`);
  if (balancer.type !== type)
    throw new AwsError('InvalidParameter', `The load balancer ${arn} is not a ${type} load balancer`);
  return balancer;
}
