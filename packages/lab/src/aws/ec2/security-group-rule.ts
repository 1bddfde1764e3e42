/** Rules of security groups. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';
import { chosen, need } from './lookup.ts';
import { ruleSpecs, type RuleSpec, sameRule } from './permission.ts';
import { type SecurityGroup, type SecurityGroupRule, securityGroupRules, securityGroups } from './records.ts';
import { addRule, rulesOf } from './security-group.ts';
import { tagList, tagsFor } from './tags.ts';

/** The four calls take permissions, or one CIDR as plain parameters. */
interface PlainInput {
  readonly IpPermissions?: sdk.IpPermission[] | undefined;
  readonly CidrIp?: string | undefined;
  readonly IpProtocol?: string | undefined;
  readonly FromPort?: number | undefined;
  readonly ToPort?: number | undefined;
}

function specsOf(call: Call, input: PlainInput): RuleSpec[] {
  if (input.IpPermissions !== undefined) return ruleSpecs(call, input.IpPermissions);
  const { IpProtocol, FromPort, ToPort, CidrIp } = input;
  return CidrIp === undefined ? [] : ruleSpecs(call, [{ IpProtocol, FromPort, ToPort, IpRanges: [{ CidrIp }] }]);
}

function authorizeRules(
  call: Call,
  group: SecurityGroup,
  egress: boolean,
  specs: readonly RuleSpec[],
  tags: Record<string, string>,
) {
  const existing = rulesOf(call, group.id).filter((rule) => rule.egress === egress);
  for (const spec of specs)
    if (existing.some((rule) => sameRule(rule, spec)))
      throw new AwsError(
        'InvalidPermission.Duplicate',
        `the specified rule "peer: ${spec.cidr ?? spec.peerGroup ?? spec.cidr6 ?? ''}, ${spec.protocol}" already exists`,
      );
  if (existing.length + specs.length > call.world.quotas.rulesPerSecurityGroup)
    throw new AwsError(
      'RulesPerSecurityGroupLimitExceeded',
      'The maximum number of rules per security group has been reached.',
    );
  return specs.map((spec) => addRule(call, group, egress, spec, { ...tags }));
}

function revokeRules(
  call: Call,
  group: SecurityGroup,
  egress: boolean,
  specs: readonly RuleSpec[],
  ids: readonly string[] | undefined,
): SecurityGroupRule[] {
  const existing = rulesOf(call, group.id).filter((rule) => rule.egress === egress);
  const chosenById = (ids ?? []).map((id) => {
    const rule = existing.find((one) => one.id === id);
    if (rule === undefined)
      throw new AwsError('InvalidSecurityGroupRuleId.NotFound', `The security group rule ID '${id}' does not exist`);
    return rule;
  });
  const chosenBySpec = specs.map((spec) => {
    const rule = existing.find((one) => sameRule(one, spec));
    if (rule === undefined)
      throw new AwsError('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.');
    return rule;
  });
  const removed = [...chosenById, ...chosenBySpec];
  for (const { id } of removed) securityGroupRules.remove(call.world, id);
  return removed;
}

export const securityGroupRuleOperations: Operations<typeof sdk> = {
  AuthorizeSecurityGroupIngress(call, input) {
    const group = need(call, securityGroups, input.GroupId);
    const tags = tagsFor(call, 'security-group-rule', input.TagSpecifications);
    return {
      Return: true,
      SecurityGroupRules: authorizeRules(call, group, false, specsOf(call, input), tags).map((rule) =>
        show(call, rule),
      ),
    };
  },
  AuthorizeSecurityGroupEgress(call, input) {
    const group = need(call, securityGroups, input.GroupId);
    const tags = tagsFor(call, 'security-group-rule', input.TagSpecifications);
    return {
      Return: true,
      SecurityGroupRules: authorizeRules(call, group, true, specsOf(call, input), tags).map((rule) => show(call, rule)),
    };
  },
  RevokeSecurityGroupIngress(call, input) {
    const group = need(call, securityGroups, input.GroupId);
    revokeRules(call, group, false, specsOf(call, input), input.SecurityGroupRuleIds);
    return { Return: true };
  },
  RevokeSecurityGroupEgress(call, input) {
    const group = need(call, securityGroups, input.GroupId);
    revokeRules(call, group, true, specsOf(call, input), input.SecurityGroupRuleIds);
    return { Return: true };
  },

  DescribeSecurityGroupRules(call, input) {
    const found = filtered(chosen(call, securityGroupRules, input.SecurityGroupRuleIds), input.Filters, {
      'group-id': ({ group }) => group,
      'security-group-rule-id': ({ id }) => id,
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { SecurityGroupRules: items.map((rule) => show(call, rule)), NextToken: next };
  },

  ModifySecurityGroupRules(call, input) {
    const group = need(call, securityGroups, input.GroupId);
    for (const { SecurityGroupRuleId: id, SecurityGroupRule: wanted } of input.SecurityGroupRules ?? []) {
      const rule = need(call, securityGroupRules, id);
      if (wanted === undefined) continue;
      const peer =
        wanted.ReferencedGroupId === undefined ? {} : { UserIdGroupPairs: [{ GroupId: wanted.ReferencedGroupId }] };
      const [spec] = ruleSpecs(call, [
        {
          IpProtocol: wanted.IpProtocol,
          FromPort: wanted.FromPort,
          ToPort: wanted.ToPort,
          IpRanges: wanted.CidrIpv4 === undefined ? [] : [{ CidrIp: wanted.CidrIpv4 }],
          Ipv6Ranges: wanted.CidrIpv6 === undefined ? [] : [{ CidrIpv6: wanted.CidrIpv6 }],
          PrefixListIds: wanted.PrefixListId === undefined ? [] : [{ PrefixListId: wanted.PrefixListId }],
          ...peer,
        },
      ]);
      if (spec === undefined) throw new AwsError('InvalidParameterValue', `the rule ${rule.id} needs a peer`);
      const { account, region, createdAtMs, tags, id: kept } = rule;
      const words = wanted.Description === undefined ? {} : { description: wanted.Description };
      securityGroupRules.put(call.world, {
        id: kept,
        account,
        region,
        createdAtMs,
        tags,
        group: group.id,
        egress: rule.egress,
        ...spec,
        ...words,
      });
    }
    return { Return: true };
  },

  UpdateSecurityGroupRuleDescriptionsIngress: (call, input) => describeRules(call, input, false),
  UpdateSecurityGroupRuleDescriptionsEgress: (call, input) => describeRules(call, input, true),
};

function describeRules(
  call: Call,
  input: {
    GroupId?: string | undefined;
    IpPermissions?: sdk.IpPermission[] | undefined;
    SecurityGroupRuleDescriptions?: sdk.SecurityGroupRuleDescription[] | undefined;
  },
  egress: boolean,
) {
  const group = need(call, securityGroups, input.GroupId);
  const rules = rulesOf(call, group.id).filter((rule) => rule.egress === egress);
  for (const spec of ruleSpecs(call, input.IpPermissions ?? [])) {
    const rule = rules.find((one) => sameRule(one, spec));
    if (rule !== undefined && spec.description !== undefined) rule.description = spec.description;
  }
  for (const { SecurityGroupRuleId: id, Description: text } of input.SecurityGroupRuleDescriptions ?? []) {
    const rule = rules.find((one) => one.id === id);
    if (rule !== undefined && text !== undefined) rule.description = text;
  }
  return { Return: true };
}

function show(call: Call, rule: SecurityGroupRule): sdk.SecurityGroupRule {
  return {
    SecurityGroupRuleId: rule.id,
    SecurityGroupRuleArn: call.arn('ec2', `security-group-rule/${rule.id}`, rule.region, rule.account),
    GroupId: rule.group,
    GroupOwnerId: rule.account,
    IsEgress: rule.egress,
    IpProtocol: rule.protocol,
    FromPort: rule.from ?? -1,
    ToPort: rule.to ?? -1,
    CidrIpv4: rule.cidr,
    CidrIpv6: rule.cidr6,
    PrefixListId: rule.prefixList,
    ...(rule.peerGroup === undefined
      ? {}
      : { ReferencedGroupInfo: { GroupId: rule.peerGroup, UserId: rule.peerAccount } }),
    Description: rule.description,
    Tags: tagList(rule.tags),
  };
}
