import { DescribeVpcEndpointsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { PosternError } from '@postern/core';
import type { StackJson } from '../stacks/synth.ts';
import { translate } from '../verify/ask-amazon.ts';
import { resources } from '../vpn/json.ts';

/** Private DNS takes effect on an endpoint that is `available`, and not before: AWS would refuse half-way through an apply. */
export async function requireAccepted(stack: StackJson, region: string, signal: AbortSignal): Promise<void> {
  const wanted = resources(stack, 'aws_vpc_endpoint', () => '').filter(
    (node) => node.get('private_dns_enabled') === true,
  );
  if (wanted.length === 0) return;
  const client = new EC2Client({ region });
  try {
    for (const node of wanted) {
      const Filters = [{ Name: 'tag:Name', Values: [node.text('tags', 'Name')] }];
      const { VpcEndpoints } = await client.send(new DescribeVpcEndpointsCommand({ Filters }), { abortSignal: signal });
      const endpoint = VpcEndpoints?.find(({ State }) => !/^delet/i.test(State ?? ''));
      if (endpoint?.State?.toLowerCase() !== 'available') throw refusal(node.text('service_name'), endpoint);
    }
  } catch (error) {
    throw translate(error);
  } finally {
    client.destroy();
  }
}

function refusal(
  service: string,
  endpoint: { VpcEndpointId?: string | undefined; State?: string | undefined } | undefined,
): PosternError {
  if (endpoint === undefined)
    return new PosternError(
      'ENDPOINT_ABSENT',
      `privateDnsEnabled is set for ${service}, and its endpoint does not exist yet`,
      {
        hint: 'deploy with privateDnsEnabled: false first; when the customer has accepted the endpoint, set it to true, generate and deploy again',
        exitCode: 2,
      },
    );
  const id = service.split('.').at(-1);
  return new PosternError(
    'ENDPOINT_NOT_ACCEPTED',
    `privateDnsEnabled is set for ${service}, and its endpoint ${endpoint.VpcEndpointId} is ${endpoint.State}: the customer, who owns the service, must accept it first`,
    {
      hint: `the customer runs: aws ec2 accept-vpc-endpoint-connections --service-id ${id} --vpc-endpoint-ids ${endpoint.VpcEndpointId}`,
      exitCode: 2,
    },
  );
}
