/** Security groups. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { filtered, type FilterTable } from './filter.ts';
import { absent, chosen, need } from './lookup.ts';
import {
  interfaces,
  type SecurityGroup,
  type SecurityGroupRule,
  securityGroupRules,
  securityGroups,
  vpcs,
} from './records.ts';
import { permissionsOf } from './permission.ts';
import { tagList, tagsFor } from './tags.ts';

/** A VPC's default group lets its members talk to one another, and anything out. */
export function makeDefaultGroup(call: Call, vpc: string): void {
  const group: SecurityGroup = {
    ...call.born(call.world.id('sg')),
    name: 'default',
    description: 'default VPC security group',
    vpc,
  };
  securityGroups.put(call.world, group);
  addRule(call, group, false, { peerGroup: group.id, peerAccount: group.account });
  addRule(call, group, true, { cidr: '0.0.0.0/0' });
}

export function addRule(
  call: Call,
  group: SecurityGroup,
  egress: boolean,
  rule: Partial<
    Pick<
      SecurityGroupRule,
      'protocol' | 'from' | 'to' | 'cidr' | 'cidr6' | 'peerGroup' | 'peerAccount' | 'prefixList' | 'description'
    >
  >,
  tags: Record<string, string> = {},
): SecurityGroupRule {
  return securityGroupRules.put(call.world, {
    ...call.born(call.world.id('sgr'), tags),
    account: group.account,
    region: group.region,
    group: group.id,
    egress,
    protocol: '-1',
    from: undefined,
    to: undefined,
    ...rule,
  });
}

export function rulesOf(call: Call, group: string): SecurityGroupRule[] {
  return securityGroupRules.all(call.world).filter((rule) => rule.group === group);
}

export const securityGroupOperations: Operations<typeof sdk> = {
  CreateSecurityGroup(call, input) {
    const vpc = need(call, vpcs, input.VpcId);
    const name = input.GroupName ?? '';
    if (name === 'default' || name.startsWith('sg-'))
      throw new AwsError('InvalidParameterValue', `Cannot use reserved security group name: ${name}`);
    if (securityGroups.list(call).some((group) => group.vpc === vpc.id && group.name === name))
      throw new AwsError('InvalidGroup.Duplicate', `The security group '${name}' already exists for VPC '${vpc.id}'`);
    const group: SecurityGroup = {
      ...call.born(call.world.id('sg'), tagsFor(call, 'security-group', input.TagSpecifications)),
      name,
      description: input.Description ?? '',
      vpc: vpc.id,
    };
    securityGroups.put(call.world, group);
    addRule(call, group, true, { cidr: '0.0.0.0/0' });
    return {
      GroupId: group.id,
      SecurityGroupArn: call.arn('ec2', `security-group/${group.id}`),
      ...(input.TagSpecifications ? { Tags: tagList(group.tags) } : {}),
    };
  },

  DescribeSecurityGroups(call, input) {
    const named = chosen(call, securityGroups, input.GroupIds).filter(({ name }) =>
      (input.GroupNames ?? [name]).includes(name),
    );
    const rules = (group: SecurityGroup, egress: boolean) =>
      rulesOf(call, group.id).filter((rule) => rule.egress === egress);
    const found = filtered(named, input.Filters, {
      'group-id': ({ id }) => id,
      'group-name': ({ name }) => name,
      'vpc-id': ({ vpc }) => vpc,
      'owner-id': ({ account }) => account,
      description: ({ description }) => description,
      ...ruleFilters('ip-permission', (group) => rules(group, false)),
      ...ruleFilters('egress.ip-permission', (group) => rules(group, true)),
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { SecurityGroups: items.map((group) => show(call, group)), NextToken: next };
  },

  DeleteSecurityGroup(call, input) {
    const byName = securityGroups.list(call).find(({ name }) => name === input.GroupName);
    const group = need(call, securityGroups, input.GroupId ?? byName?.id);
    if (group.name === 'default')
      throw new AwsError(
        'CannotDelete',
        `the specified group: "${group.id}" name: "default" cannot be deleted by a user`,
      );
    const { world } = call;
    const referenced = securityGroupRules
      .all(world)
      .some((rule) => rule.peerGroup === group.id && rule.group !== group.id);
    if (referenced || interfaces.all(world).some(({ groups }) => groups.includes(group.id)))
      // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
      throw new AwsError('DependencyViolation', `resource ${group.id} has a dependent object`);
    for (const rule of rulesOf(call, group.id)) securityGroupRules.remove(world, rule.id);
    securityGroups.remove(world, group.id);
    return { GroupId: group.id, Return: true };
  },
};

/** The groups a create call names, or the VPC's default one. */
export function groupsFor(call: Call, ids: readonly string[] | undefined, vpc: string): string[] {
  if (ids === undefined || ids.length === 0)
    return securityGroups
      .all(call.world)
      .filter((group) => group.vpc === vpc && group.name === 'default')
      .map(({ id }) => id);
  return ids.map((id) => {
    const group = securityGroups.mine(call, id);
    // moto takes any id: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    if (group === undefined) throw absent('security-group', id);
    if (group.vpc !== vpc)
      throw new AwsError('InvalidParameter', `Security group ${id} and subnet belong to different networks.`);
    return id;
  });
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html */
function ruleFilters(
  prefix: string,
  rules: (group: SecurityGroup) => readonly SecurityGroupRule[],
): FilterTable<SecurityGroup> {
  const all = (value: (rule: SecurityGroupRule) => string | number | undefined) => (group: SecurityGroup) =>
    rules(group)
      .flatMap((rule) => value(rule) ?? [])
      .map(String);
  return {
    [`${prefix}.cidr`]: all(({ cidr }) => cidr),
    [`${prefix}.ipv6-cidr`]: all(({ cidr6 }) => cidr6),
    [`${prefix}.group-id`]: all(({ peerGroup }) => peerGroup),
    [`${prefix}.prefix-list-id`]: all(({ prefixList }) => prefixList),
    [`${prefix}.protocol`]: all(({ protocol }) => protocol),
    [`${prefix}.from-port`]: all(({ from }) => from),
    [`${prefix}.to-port`]: all(({ to }) => to),
    [`${prefix}.user-id`]: all(({ peerAccount }) => peerAccount),
  };
}

function show(call: Call, group: SecurityGroup): sdk.SecurityGroup {
  const rules = rulesOf(call, group.id);
  return {
    GroupId: group.id,
    GroupName: group.name,
    Description: group.description,
    VpcId: group.vpc,
    OwnerId: group.account,
    SecurityGroupArn: call.arn('ec2', `security-group/${group.id}`, group.region, group.account),
    IpPermissions: permissionsOf(rules.filter(({ egress }) => !egress)),
    IpPermissionsEgress: permissionsOf(rules.filter(({ egress }) => egress)),
    Tags: tagList(group.tags),
  };
}
