/** Target groups and the health of their targets. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html */
import type * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { vpcs } from '../ec2/records.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { mergeAttributes, showAttributes, targetGroupDefaults } from './attributes.ts';
import { listeners, type TargetGroup, targetGroups } from './records.ts';
import { elbTags } from './tags.ts';

/** How long a target is `initial` before it counts as healthy. */
const healthyAfterMs = 500;

export const targetGroupOperations: Operations<typeof sdk> = {
  CreateTargetGroup(call, input) {
    const name = input.Name ?? '';
    if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/.test(name))
      throw new AwsError(
        'ValidationError',
        `Target group name '${name}' must have 1 to 32 letters, digits and hyphens`,
      );
    if (targetGroups.list(call).some((group) => group.name === name))
      throw new AwsError(
        'DuplicateTargetGroupName',
        `A target group with the same name '${name}' exists, but with different settings`,
      );
    const targetType = input.TargetType ?? 'instance';
    if (targetType !== 'lambda' && vpcs.mine(call, input.VpcId) === undefined)
      throw new AwsError('ValidationError', `The VPC ID '${input.VpcId ?? ''}' is not found`);
    const group = targetGroups.put(call.world, {
      ...call.born(call.arn('elasticloadbalancing', `targetgroup/${name}/${call.world.hex(16)}`), elbTags(input.Tags)),
      name,
      protocol: input.Protocol,
      port: input.Port,
      vpc: input.VpcId,
      targetType,
      addressType: input.IpAddressType ?? 'ipv4',
      check: checkOf(input),
      attributes: { ...targetGroupDefaults(input.Protocol) },
      targets: [],
    });
    return { TargetGroups: [show(call, group)] };
  },

  DescribeTargetGroups(call, input) {
    const all = targetGroups.list(call);
    const balancer = input.LoadBalancerArn;
    const byArn = input.TargetGroupArns?.map((arn) => needGroup(call, arn));
    const byName = input.Names?.map((name) => {
      const found = all.find((one) => one.name === name);
      if (found === undefined) throw new AwsError('TargetGroupNotFound', `One or more target groups not found`);
      return found;
    });
    const wanted = (byArn ?? byName ?? all).filter(
      (group) => balancer === undefined || balancersOf(call, group.id).includes(balancer),
    );
    const { items, next } = page(call, wanted, ({ id }) => id, {
      max: input.PageSize,
      token: input.Marker,
      usual: 400,
      most: 400,
    });
    return { TargetGroups: items.map((group) => show(call, group)), NextMarker: next };
  },

  ModifyTargetGroup(call, input) {
    const group = needGroup(call, input.TargetGroupArn);
    const { check } = group;
    group.check = {
      protocol: input.HealthCheckProtocol ?? check.protocol,
      port: input.HealthCheckPort ?? check.port,
      path: input.HealthCheckPath ?? check.path,
      enabled: input.HealthCheckEnabled ?? check.enabled,
      intervalSeconds: input.HealthCheckIntervalSeconds ?? check.intervalSeconds,
      timeoutSeconds: input.HealthCheckTimeoutSeconds ?? check.timeoutSeconds,
      healthy: input.HealthyThresholdCount ?? check.healthy,
      unhealthy: input.UnhealthyThresholdCount ?? check.unhealthy,
      matcher: input.Matcher?.HttpCode ?? check.matcher,
    };
    return { TargetGroups: [show(call, group)] };
  },

  DeleteTargetGroup(call, input) {
    const group = targetGroups.mine(call, input.TargetGroupArn);
    if (group === undefined) return {};
    if (balancersOf(call, group.id).length > 0)
      throw new AwsError('ResourceInUse', `Target group '${group.id}' is currently in use by a listener or a rule`);
    targetGroups.remove(call.world, group.id);
    return {};
  },

  DescribeTargetGroupAttributes: (call, input) => ({
    Attributes: showAttributes(needGroup(call, input.TargetGroupArn).attributes),
  }),

  ModifyTargetGroupAttributes(call, input) {
    const group = needGroup(call, input.TargetGroupArn);
    mergeAttributes(group.attributes, input.Attributes);
    return { Attributes: showAttributes(group.attributes) };
  },

  RegisterTargets(call, input) {
    const group = needGroup(call, input.TargetGroupArn);
    for (const { Id: id = '', Port: port = group.port ?? 0, AvailabilityZone: zone } of input.Targets ?? []) {
      group.targets = group.targets.filter((target) => target.id !== id || target.port !== port);
      group.targets.push({ id, port, zone, sinceMs: call.now });
    }
    return {};
  },

  DeregisterTargets(call, input) {
    const group = needGroup(call, input.TargetGroupArn);
    for (const { Id: id, Port: port = group.port } of input.Targets ?? [])
      group.targets = group.targets.filter((target) => target.id !== id || target.port !== port);
    return {};
  },

  // moto calls every target healthy at once: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html
  DescribeTargetHealth(call, input) {
    const group = needGroup(call, input.TargetGroupArn);
    const inUse = balancersOf(call, group.id).length > 0;
    const wanted = input.Targets ?? [];
    const targets = group.targets.filter(({ id }) => wanted.length === 0 || wanted.some((target) => target.Id === id));
    return {
      TargetHealthDescriptions: targets.map((target) => ({
        Target: { Id: target.id, Port: target.port, AvailabilityZone: target.zone },
        HealthCheckPort: group.check.port === 'traffic-port' ? String(target.port) : group.check.port,
        TargetHealth: health(call, target.sinceMs, inUse),
      })),
    };
  },
};

function health(call: Call, sinceMs: number, inUse: boolean): sdk.TargetHealth {
  if (!inUse)
    return {
      State: 'unused',
      Reason: 'Target.NotInUse',
      Description: 'Target group is not configured to receive traffic from the load balancer',
    };
  if (call.now - sinceMs < healthyAfterMs)
    return {
      State: 'initial',
      Reason: 'Elb.RegistrationInProgress',
      Description: 'Target registration is in progress',
    };
  return { State: 'healthy' };
}

export function needGroup(call: Call, arn: string | undefined): TargetGroup {
  const group = targetGroups.mine(call, arn);
  if (group === undefined)
    throw new AwsError('TargetGroupNotFound', `One or more target groups not found: '[${arn ?? ''}]'`);
  return group;
}

function balancersOf(call: Call, group: string): string[] {
  const using = listeners
    .all(call.world)
    .filter(({ actions }) =>
      actions.some(
        (action) =>
          action.TargetGroupArn === group ||
          action.ForwardConfig?.TargetGroups?.some((one) => one.TargetGroupArn === group),
      ),
    );
  return [...new Set(using.map(({ balancer }) => balancer))];
}

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html: defaults by protocol. */
function checkOf(input: sdk.CreateTargetGroupInput): TargetGroup['check'] {
  const http = input.Protocol === 'HTTP' || input.Protocol === 'HTTPS';
  const protocol = input.HealthCheckProtocol ?? (http ? 'HTTP' : 'TCP');
  const withPath = protocol === 'HTTP' || protocol === 'HTTPS';
  return {
    protocol,
    port: input.HealthCheckPort ?? 'traffic-port',
    path: input.HealthCheckPath ?? (withPath ? '/' : undefined),
    enabled: input.HealthCheckEnabled ?? true,
    intervalSeconds: input.HealthCheckIntervalSeconds ?? 30,
    timeoutSeconds: input.HealthCheckTimeoutSeconds ?? (withPath ? 6 : 10),
    healthy: input.HealthyThresholdCount ?? 5,
    unhealthy: input.UnhealthyThresholdCount ?? 2,
    matcher: input.Matcher?.HttpCode ?? (withPath ? (http ? '200' : '200-399') : undefined),
  };
}

function show(call: Call, group: TargetGroup): sdk.TargetGroup {
  const { check } = group;
  return {
    TargetGroupArn: group.id,
    TargetGroupName: group.name,
    Protocol: group.protocol,
    Port: group.port,
    VpcId: group.vpc,
    TargetType: group.targetType,
    IpAddressType: group.addressType,
    ...(group.protocol === 'HTTP' || group.protocol === 'HTTPS' ? { ProtocolVersion: 'HTTP1' } : {}),
    HealthCheckProtocol: check.protocol,
    HealthCheckPort: check.port,
    HealthCheckPath: check.path,
    HealthCheckEnabled: check.enabled,
    HealthCheckIntervalSeconds: check.intervalSeconds,
    HealthCheckTimeoutSeconds: check.timeoutSeconds,
    HealthyThresholdCount: check.healthy,
    UnhealthyThresholdCount: check.unhealthy,
    ...(check.matcher === undefined ? {} : { Matcher: { HttpCode: check.matcher } }),
    LoadBalancerArns: balancersOf(call, group.id),
  };
}
