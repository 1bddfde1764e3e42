/** Clients of the AWS SDK, unmodified, at a target. */
import { CloudFormation } from '@aws-sdk/client-cloudformation';
import { EC2 } from '@aws-sdk/client-ec2';
import { ECR } from '@aws-sdk/client-ecr';
import { EKS } from '@aws-sdk/client-eks';
import { ElasticLoadBalancingV2 } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAM } from '@aws-sdk/client-iam';
import { Route53 } from '@aws-sdk/client-route-53';
import { STS } from '@aws-sdk/client-sts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** All clients of one identity: a twelve-digit account (its root), or credentials. Against a simulator one attempt: a test sees each refusal. */
export function clients(endpoint: string | undefined, who: string | Credentials, region = 'eu-central-1') {
  const credentials = typeof who === 'string' ? { accessKeyId: who, secretAccessKey: 'any' } : who;
  const config = endpoint === undefined ? { region, credentials } : { endpoint, region, credentials, maxAttempts: 1 };
  return {
    region,
    cloudformation: new CloudFormation(config),
    ec2: new EC2(config),
    elb: new ElasticLoadBalancingV2(config),
    iam: new IAM(config),
    ecr: new ECR(config),
    eks: new EKS(config),
    // Route 53 is global: its signature always names us-east-1.
    route53: new Route53(endpoint === undefined ? config : { ...config, region: 'us-east-1' }),
    sts: new STS(config),
  };
}

export type Clients = ReturnType<typeof clients>;

/** A VPC with a subnet in each of some zones. */
export async function makeVpc(
  client: Clients,
  prefix: string,
  zones = 'abc',
): Promise<{ vpc: string; subnets: string[] }> {
  const made = await client.ec2.createVpc({ CidrBlock: `${prefix}.0.0/16` });
  const vpc = made.Vpc?.VpcId ?? '';
  const subnets: string[] = [];
  for (const [i, zone] of zones.split('').entries()) {
    const subnet = await client.ec2.createSubnet({
      VpcId: vpc,
      CidrBlock: `${prefix}.${i}.0/24`,
      AvailabilityZone: `${client.region}${zone}`,
    });
    subnets.push(subnet.Subnet?.SubnetId ?? '');
  }
  return { vpc, subnets };
}
