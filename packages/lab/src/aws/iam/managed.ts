/**
 * The policies AWS itself manages. Any name under `arn:aws:iam::aws:policy/` may be attached; those below also grant what they
 * grant on AWS, the others nothing. https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
 */
const grants: Readonly<Record<string, object>> = {
  AdministratorAccess: { Effect: 'Allow', Action: '*', Resource: '*' },
  PowerUserAccess: { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' },
  ReadOnlyAccess: {
    Effect: 'Allow',
    Action: [
      'ec2:Describe*',
      'ec2:Get*',
      'elasticloadbalancing:Describe*',
      'route53:Get*',
      'route53:List*',
      'iam:Get*',
      'iam:List*',
      'ecr:Describe*',
      'ecr:Get*',
      'ecr:List*',
      'eks:Describe*',
      'eks:List*',
    ],
    Resource: '*',
  },
  AmazonEC2FullAccess: { Effect: 'Allow', Action: ['ec2:*', 'elasticloadbalancing:*'], Resource: '*' },
  AmazonVPCFullAccess: { Effect: 'Allow', Action: 'ec2:*', Resource: '*' },
  AmazonRoute53FullAccess: {
    Effect: 'Allow',
    Action: ['route53:*', 'ec2:DescribeVpcs', 'ec2:DescribeRegions'],
    Resource: '*',
  },
  IAMFullAccess: { Effect: 'Allow', Action: 'iam:*', Resource: '*' },
  AmazonEC2ContainerRegistryPowerUser: { Effect: 'Allow', Action: 'ecr:*', Resource: '*' },
};

const pattern = /^arn:aws[\w-]*:iam::aws:policy\/(?:[\w-]+\/)*([\w-]+)$/;

export function isManaged(arn: string): boolean {
  return pattern.test(arn);
}

export function managedDocument(arn: string): string | undefined {
  const name = pattern.exec(arn)?.[1];
  if (name === undefined) return undefined;
  const statement = grants[name];
  return JSON.stringify({ Version: '2012-10-17', Statement: statement === undefined ? [] : [statement] });
}
