/** Services an endpoint can be made for: customers' own, and AWS's. */
import { AwsError } from '../error.ts';
import { zoneIdsOf } from '../elbv2/records.ts';
import type { Call } from '../world/call.ts';
import { dnsSuffix, zonesOf } from '../world/partition.ts';
import { isAllowed } from './principal-arn.ts';
import { type EndpointService, endpointServices } from './privatelink-records.ts';

/** https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html, those a product's network uses. */
const interfaceServices = [
  'ec2',
  'ec2messages',
  'ecr.api',
  'ecr.dkr',
  'eks',
  'eks-auth',
  'elasticloadbalancing',
  'kms',
  'logs',
  'monitoring',
  's3',
  'secretsmanager',
  'sns',
  'sqs',
  'ssm',
  'ssmmessages',
  'sts',
  'execute-api',
];
const gatewayServices = ['s3', 'dynamodb'];

export interface Offered {
  readonly name: string;
  readonly id: string;
  readonly owner: string;
  readonly types: readonly ('Interface' | 'Gateway' | 'GatewayLoadBalancer')[];
  readonly zoneIds: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly acceptance: boolean;
  /** A name consumers may use for it inside their VPCs. */
  readonly privateDns: { readonly name: string; readonly verified: boolean } | undefined;
  readonly own: EndpointService | undefined;
}

/** Every service the caller can see: AWS's, its own, and those that let it in. */
export function offered(call: Call): Offered[] {
  const customers = endpointServices
    .all(call.world)
    .filter((service) => service.region === call.region && service.state === 'Available' && !call.hides(service))
    .filter((service) => service.account === call.account || isAllowed(Object.keys(service.principals), call.principal))
    .map((service) => offer(call, service));
  return [...ownServices(call), ...customers];
}

/** The service of a name, or the refusal AWS gives to the unknown and the unwelcome alike (moto lets everybody in). */
export function needService(call: Call, name: string): Offered {
  const found = offered(call).find((service) => service.name === name);
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
  if (found === undefined)
    throw new AwsError('InvalidServiceName', `The Vpc Endpoint Service '${name}' does not exist`);
  return found;
}

function offer(call: Call, service: EndpointService): Offered {
  return {
    name: service.name,
    id: service.id,
    owner: service.account,
    types: [service.gatewayBalancers.length > 0 ? 'GatewayLoadBalancer' : 'Interface'],
    zoneIds: serviceZoneIds(call, service),
    tags: service.tags,
    acceptance: service.acceptance,
    privateDns:
      service.privateDns === undefined
        ? undefined
        : { name: service.privateDns.name, verified: service.privateDns.state === 'verified' },
    own: service,
  };
}

export function serviceZoneIds(call: Call, service: EndpointService): string[] {
  return zoneIdsOf(call.world, [...service.networkBalancers, ...service.gatewayBalancers]);
}

function ownServices(call: Call): Offered[] {
  const names = [...new Set([...interfaceServices, ...gatewayServices])];
  return names.map((short) => ({
    name: `com.amazonaws.${call.region}.${short}`,
    id: `vpce-svc-${Buffer.from(`${call.region}${short}`).toString('hex').slice(-17).padStart(17, '0')}`,
    owner: 'amazon',
    types: [
      ...(interfaceServices.includes(short) ? ['Interface' as const] : []),
      ...(gatewayServices.includes(short) ? ['Gateway' as const] : []),
    ],
    zoneIds: zonesOf(call.region).map(({ id }) => id),
    tags: {},
    acceptance: false,
    privateDns: interfaceServices.includes(short)
      ? { name: `${short.split('.').reverse().join('.')}.${call.region}.${dnsSuffix(call.region)}`, verified: true }
      : undefined,
    own: undefined,
  }));
}
