/** What several cases begin with; each undoes itself. */
import type { Stage } from './case.ts';
import { type Clients, makeVpc } from './clients.ts';

export async function vpcWithSubnets(
  stage: Stage,
  client: Clients,
  prefix: string,
  zones = 'ab',
): Promise<{ vpc: string; subnets: string[] }> {
  const made = await makeVpc(client, prefix, zones);
  stage.cleanup(() => client.ec2.deleteVpc({ VpcId: made.vpc }));
  for (const subnet of made.subnets) stage.cleanup(() => client.ec2.deleteSubnet({ SubnetId: subnet }));
  return made;
}

/** An internal NLB, active. */
export async function balancer(stage: Stage, client: Clients, subnets: readonly string[]): Promise<string> {
  const made = await client.elb.createLoadBalancer({
    Name: stage.name('nlb'),
    Type: 'network',
    Scheme: 'internal',
    Subnets: [...subnets],
  });
  const arn = made.LoadBalancers?.[0]?.LoadBalancerArn ?? '';
  stage.cleanup(() => client.elb.deleteLoadBalancer({ LoadBalancerArn: arn }));
  await stage.eventually('the balancer to be active', async () => {
    const { LoadBalancers: found } = await client.elb.describeLoadBalancers({ LoadBalancerArns: [arn] });
    return found?.[0]?.State?.Code === 'active';
  });
  return arn;
}

/** An endpoint service behind an NLB, available. */
export async function service(stage: Stage, client: Clients, prefix: string, acceptance: boolean, zones = 'ab') {
  const { subnets } = await vpcWithSubnets(stage, client, prefix, zones);
  const arn = await balancer(stage, client, subnets);
  const made = await client.ec2.createVpcEndpointServiceConfiguration({
    NetworkLoadBalancerArns: [arn],
    AcceptanceRequired: acceptance,
  });
  const id = made.ServiceConfiguration?.ServiceId ?? '';
  stage.cleanup(async () => {
    const { Unsuccessful: failed } = await client.ec2.deleteVpcEndpointServiceConfigurations({ ServiceIds: [id] });
    const code = failed?.[0]?.Error?.Code;
    if (code !== undefined && !code.endsWith('NotFound')) throw new Error(code);
  });
  await stage.eventually('the service to be available', async () => {
    const { ServiceConfigurations: found } = await client.ec2.describeVpcEndpointServiceConfigurations({
      ServiceIds: [id],
    });
    return found?.[0]?.ServiceState === 'Available';
  });
  return { id, name: made.ServiceConfiguration?.ServiceName ?? '', balancer: arn };
}

/** An interface endpoint; deleted at the end, and waited for. */
export async function endpoint(
  stage: Stage,
  client: Clients,
  name: string,
  at: { vpc: string; subnets: readonly string[] },
) {
  const made = await client.ec2.createVpcEndpoint({
    VpcId: at.vpc,
    ServiceName: name,
    VpcEndpointType: 'Interface',
    SubnetIds: [...at.subnets],
  });
  const id = made.VpcEndpoint?.VpcEndpointId ?? '';
  stage.cleanup(() => removed(stage, client, id));
  return { id, state: made.VpcEndpoint?.State as string | undefined };
}

export async function removed(stage: Stage, client: Clients, id: string): Promise<void> {
  await client.ec2.deleteVpcEndpoints({ VpcEndpointIds: [id] });
  await stage.eventually('the endpoint to be gone', async () =>
    ['gone', 'deleted'].includes(await endpointState(client, id)),
  );
}

/** The state in lower case: the API's own spelling and the SDK's differ. */
export async function endpointState(client: Clients, id: string): Promise<string> {
  try {
    const { VpcEndpoints: found } = await client.ec2.describeVpcEndpoints({ VpcEndpointIds: [id] });
    return found?.[0]?.State?.toLowerCase() ?? 'gone';
  } catch (error) {
    if (error instanceof Error && error.name === 'InvalidVpcEndpointId.NotFound') return 'gone';
    throw error;
  }
}
