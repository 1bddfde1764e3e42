/**
 * The ARNs a call is about, for policies that name resources. EC2 and the others publish, action by action, what can be named;
 * here an id in the input stands for its ARN, and a call without one is about `*`.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
import type { Call } from '../world/call.ts';

const ec2Types: ReadonlyArray<readonly [RegExp, string]> = [
  [/^vpce-svc-/, 'vpc-endpoint-service'],
  [/^vpce-/, 'vpc-endpoint'],
  [/^vpc-/, 'vpc'],
  [/^subnet-/, 'subnet'],
  [/^sg-/, 'security-group'],
  [/^sgr-/, 'security-group-rule'],
  [/^rtb-/, 'route-table'],
  [/^pcx-/, 'vpc-peering-connection'],
  [/^eni-/, 'network-interface'],
  [/^igw-/, 'internet-gateway'],
  [/^nat-/, 'natgateway'],
  [/^vgw-/, 'vpn-gateway'],
  [/^cgw-/, 'customer-gateway'],
  [/^vpn-/, 'vpn-connection'],
  [/^tgw-/, 'transit-gateway'],
  [/^eipalloc-/, 'elastic-ip'],
];

export function resourcesOf(call: Call): readonly string[] {
  switch (call.service) {
    case 'ec2':
      // Describe calls cannot be narrowed to a resource.
      return call.action.startsWith('Describe') ? [] : ec2Resources(call);
    case 'route53': {
      const tagged = call.input['ResourceType'] === 'hostedzone' ? call.input['ResourceId'] : undefined;
      const zone = call.input['HostedZoneId'] ?? call.input['Id'] ?? tagged;
      return typeof zone === 'string'
        ? [`arn:${call.partition}:route53:::hostedzone/${zone.replace(/^\/?hostedzone\//, '')}`]
        : [];
    }
    case 'ecr': {
      const name = call.input['repositoryName'];
      return typeof name === 'string' ? [call.arn('ecr', `repository/${name}`)] : [];
    }
    case 'eks': {
      const name = call.input['clusterName'] ?? (call.action.endsWith('Cluster') ? call.input['name'] : undefined);
      return typeof name === 'string' ? [call.arn('eks', `cluster/${name}`)] : [];
    }
    case 'elasticloadbalancing':
      return call.action.startsWith('Describe') ? [] : arnsIn(call.input, /^arn:aws[\w-]*:elasticloadbalancing:/);
    case 'iam': {
      const { RoleName: role, UserName: user, PolicyArn: policy } = call.input;
      if (typeof role === 'string') return [call.arn('iam', `role/${role}`, '')];
      if (typeof user === 'string') return [call.arn('iam', `user/${user}`, '')];
      return typeof policy === 'string' ? [policy] : [];
    }
    default:
      return [];
  }
}

function ec2Resources(call: Call): string[] {
  return textsIn(call.input).flatMap((text) => {
    const type = ec2Types.find(([pattern]) => pattern.test(text))?.[1];
    return type === undefined || !/^[a-z]+(-svc)?-[0-9a-f]+$/.test(text) ? [] : [call.arn('ec2', `${type}/${text}`)];
  });
}

function arnsIn(input: unknown, pattern: RegExp): string[] {
  return textsIn(input).filter((text) => pattern.test(text));
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
