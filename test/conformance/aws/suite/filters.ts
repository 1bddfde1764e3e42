/** Filters that Terraform and people use, beyond ids and tags. */
import assert from 'node:assert/strict';
import type { Case } from '../support/case.ts';
import { vpcWithSubnets } from '../support/fixtures.ts';

export const filterCases: readonly Case[] = [
  {
    name: 'a VPC is found by the association of one of its blocks',
    async run(stage) {
      const { a } = stage;
      const { vpc } = await vpcWithSubnets(stage, a, '10.36');
      const { CidrBlockAssociation } = await a.ec2.associateVpcCidrBlock({ VpcId: vpc, CidrBlock: '10.37.0.0/16' });
      const id = CidrBlockAssociation!.AssociationId!;
      stage.cleanup(() => a.ec2.disassociateVpcCidrBlock({ AssociationId: id }));
      for (const filter of [
        { Name: 'cidr-block-association.association-id', Values: [id] },
        { Name: 'cidr-block-association.cidr-block', Values: ['10.37.0.0/16'] },
      ]) {
        const { Vpcs = [] } = await a.ec2.describeVpcs({ Filters: [filter, { Name: 'vpc-id', Values: [vpc] }] });
        assert.deepEqual(
          Vpcs.map(({ VpcId }) => VpcId),
          [vpc],
          filter.Name,
        );
      }
      const none = await a.ec2.describeVpcs({
        Filters: [{ Name: 'cidr-block-association.association-id', Values: ['vpc-cidr-assoc-00000000000000000'] }],
      });
      assert.deepEqual(none.Vpcs, []);
    },
  },
  {
    name: 'a security group is found by its rules',
    async run(stage) {
      const { a } = stage;
      const { vpc } = await vpcWithSubnets(stage, a, '10.38');
      const { GroupId: id } = await a.ec2.createSecurityGroup({
        VpcId: vpc,
        GroupName: stage.name('by-rules'),
        Description: 'found by its rules',
      });
      stage.cleanup(() => a.ec2.deleteSecurityGroup({ GroupId: id! }));
      await a.ec2.authorizeSecurityGroupIngress({
        GroupId: id!,
        IpPermissions: [{ IpProtocol: 'tcp', FromPort: 6443, ToPort: 6444, IpRanges: [{ CidrIp: '10.99.0.0/16' }] }],
      });
      const found = async (Name: string, value: string) => {
        const { SecurityGroups = [] } = await a.ec2.describeSecurityGroups({
          Filters: [
            { Name, Values: [value] },
            { Name: 'vpc-id', Values: [vpc] },
          ],
        });
        return SecurityGroups.some(({ GroupId }) => GroupId === id);
      };
      for (const [name, value, other] of [
        ['ip-permission.from-port', '6443', '1'],
        ['ip-permission.to-port', '6444', '1'],
        ['ip-permission.protocol', 'tcp', 'udp'],
        ['ip-permission.cidr', '10.99.0.0/16', '10.98.0.0/16'],
      ] as const) {
        assert.ok(await found(name, value), name);
        assert.ok(!(await found(name, other)), `${name} of ${other}`);
      }
    },
  },
];
