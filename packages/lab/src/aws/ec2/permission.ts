/** Rules in the two shapes EC2 has for them: one peer each, and grouped by protocol and ports. */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Call } from '../world/call.ts';
import { network } from './ip.ts';
import { absent } from './lookup.ts';
import { type SecurityGroupRule, securityGroups } from './records.ts';

export type RuleSpec = Pick<
  SecurityGroupRule,
  'protocol' | 'from' | 'to' | 'cidr' | 'cidr6' | 'peerGroup' | 'peerAccount' | 'prefixList' | 'description'
>;

const protocolNames: Readonly<Record<string, string>> = {
  '6': 'tcp',
  '17': 'udp',
  '1': 'icmp',
  '58': 'icmpv6',
  all: '-1',
};

/** Takes a request's permissions apart into rules of one peer each. */
export function ruleSpecs(call: Call, permissions: readonly sdk.IpPermission[]): RuleSpec[] {
  return permissions.flatMap((permission) => {
    const given = permission.IpProtocol ?? '-1';
    const protocol = protocolNames[given] ?? given;
    const anyPort = protocol === '-1';
    const ports = {
      protocol,
      from: anyPort ? undefined : permission.FromPort,
      to: anyPort ? undefined : permission.ToPort,
    };
    if (!anyPort && (ports.from === undefined || ports.to === undefined) && /^(tcp|udp)$/.test(protocol))
      throw new AwsError(
        'InvalidParameterValue',
        `Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.`,
      );
    if (/^(tcp|udp)$/.test(protocol) && (ports.from! > ports.to! || ports.from! < 0 || ports.to! > 65_535))
      throw new AwsError('InvalidParameterValue', `Invalid range of ports ${ports.from}-${ports.to}`);
    const text = (description: string | undefined) => (description === undefined ? {} : { description });
    return [
      ...(permission.IpRanges ?? []).map((range): RuleSpec => ({
        ...ports,
        cidr: network(range.CidrIp ?? '', 'CidrIp').text,
        ...text(range.Description),
      })),
      ...(permission.Ipv6Ranges ?? []).map((range): RuleSpec => ({
        ...ports,
        cidr6: range.CidrIpv6 ?? '',
        ...text(range.Description),
      })),
      ...(permission.PrefixListIds ?? []).map((list): RuleSpec => ({
        ...ports,
        prefixList: list.PrefixListId ?? '',
        ...text(list.Description),
      })),
      ...(permission.UserIdGroupPairs ?? []).map((pair): RuleSpec => ({
        ...ports,
        ...peerOf(call, pair),
        ...text(pair.Description),
      })),
    ];
  });
}

/** A group of a peered VPC may be another account's; one that is nowhere is refused. */
function peerOf(call: Call, pair: sdk.UserIdGroupPair): { peerGroup: string; peerAccount: string } {
  const group = securityGroups.get(call.world, pair.GroupId);
  if (group === undefined || group.region !== call.region) throw absent('security-group', pair.GroupId);
  return { peerGroup: group.id, peerAccount: pair.UserId ?? group.account };
}

/** Whether two rules are the same but for their words: EC2 keeps one of them. */
export function sameRule(a: RuleSpec, b: RuleSpec): boolean {
  return (['protocol', 'from', 'to', 'cidr', 'cidr6', 'peerGroup', 'prefixList'] as const).every(
    (key) => a[key] === b[key],
  );
}

export function permissionsOf(rules: readonly SecurityGroupRule[]): sdk.IpPermission[] {
  const groups = Map.groupBy(rules, ({ protocol, from, to }) => `${protocol}|${from}|${to}`);
  return [...groups.values()].map((same) => {
    const first = same[0]!;
    const words = ({ description }: SecurityGroupRule) =>
      description === undefined ? {} : { Description: description };
    return {
      IpProtocol: first.protocol,
      ...(first.from === undefined ? {} : { FromPort: first.from }),
      ...(first.to === undefined ? {} : { ToPort: first.to }),
      IpRanges: same.filter(({ cidr }) => cidr !== undefined).map((rule) => ({ CidrIp: rule.cidr, ...words(rule) })),
      Ipv6Ranges: same
        .filter(({ cidr6 }) => cidr6 !== undefined)
        .map((rule) => ({ CidrIpv6: rule.cidr6, ...words(rule) })),
      PrefixListIds: same
        .filter(({ prefixList }) => prefixList !== undefined)
        .map((rule) => ({ PrefixListId: rule.prefixList, ...words(rule) })),
      UserIdGroupPairs: same
        .filter(({ peerGroup }) => peerGroup !== undefined)
        .map((rule) => ({ GroupId: rule.peerGroup, UserId: rule.peerAccount, ...words(rule) })),
    };
  });
}
