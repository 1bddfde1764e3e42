/**
 * The instance stacks `awsvpc` and `awsvpn`, as `postern generate` writes them, applied to the simulator by the real Terraform
 * and the real AWS provider: applied, planned again without a difference, destroyed without a rest.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AwsSimulator, startAwsSimulator } from '@postern/lab/aws';
import { need, needThat, postern, run, temporaryDirectory } from '@postern/testing';
import { clients, makeVpc } from './support/clients.ts';

const plugins = process.env['POSTERN_TF_PLUGIN_DIR'] ?? '/opt/tf-plugins';
const skip = need('terraform') || needThat('the AWS provider in POSTERN_TF_PLUGIN_DIR', existsSync(plugins));

const vendor = '123456789012';
const customer = '210987654321';

test(
  'terraform applies awsvpc and awsvpn to the simulator, plans nothing more, and leaves nothing behind',
  { skip },
  async () => {
    const simulator = await startAwsSimulator();
    using directory = temporaryDirectory();
    try {
      const service = await customersService(simulator);
      await generate(directory.path, service);
      const terraform = (stack: string, ...args: string[]) => runTerraform(directory.path, simulator.url, stack, args);
      for (const stack of ['awsvpc', 'awsvpn']) {
        onlyAws(join(directory.path, `terraform/stacks/${stack}/cdk.tf.json`));
        await terraform(stack, 'init', '-input=false', `-plugin-dir=${plugins}`);
        await terraform(stack, 'apply', '-auto-approve', '-input=false');
      }
      await learnRoutes(simulator);
      const tables = await clients(simulator.url, vendor).ec2.describeRouteTables({
        Filters: [{ Name: 'tag:Name', Values: ['postern-private'] }],
      });
      const [table] = tables.RouteTables ?? [];
      assert.equal(table?.PropagatingVgws?.length, 1);
      assert.ok(
        table.Routes?.some(
          ({ DestinationCidrBlock, Origin }) =>
            DestinationCidrBlock === '10.128.0.0/20' && Origin === 'EnableVgwRoutePropagation',
        ),
        'what the tunnels learn arrives in the private subnets',
      );
      for (const stack of ['awsvpc', 'awsvpn']) await terraform(stack, 'plan', '-input=false', '-detailed-exitcode');
      for (const stack of ['awsvpn', 'awsvpc']) await terraform(stack, 'destroy', '-auto-approve', '-input=false');
      simulator.world.advance(60_000);
      assert.deepEqual(leftOf(simulator, vendor), {});
    } finally {
      await simulator.close();
    }
  },
);

/** The other account's side: a service that lets the vendor in. */
async function customersService(simulator: AwsSimulator): Promise<string> {
  const client = clients(simulator.url, customer);
  const { subnets } = await makeVpc(client, '10.0');
  const balancer = await client.elb.createLoadBalancer({
    Name: 'git',
    Type: 'network',
    Scheme: 'internal',
    Subnets: subnets,
  });
  const made = await client.ec2.createVpcEndpointServiceConfiguration({
    NetworkLoadBalancerArns: [balancer.LoadBalancers?.[0]?.LoadBalancerArn ?? ''],
    AcceptanceRequired: false,
  });
  const id = made.ServiceConfiguration?.ServiceId ?? '';
  await client.ec2.modifyVpcEndpointServicePermissions({
    ServiceId: id,
    AddAllowedPrincipals: [`arn:aws:iam::${vendor}:root`],
  });
  simulator.world.advance(2000);
  return made.ServiceConfiguration?.ServiceName ?? '';
}

async function generate(directory: string, service: string): Promise<void> {
  writeFileSync(
    join(directory, 'config.yaml'),
    `apiVersion: postern.dev/v1
kind: Instance
metadata: {name: src-0123456789abcdef0123}
spec:
  infrastructure:
    gcp: {projectID: src-0123456789abcdef0123, region: europe-west3, nodeCIDRs: [10.128.0.0/20]}
    privateCodeHost:
      enabled: true
      aws:
        accountID: "${vendor}"
        region: eu-central-1
        highAvailable: true
        vpcCIDR: 10.200.0.0/20
        privateLinks: [{endpoint: ${service}, ports: [443]}]
`,
  );
  const generated = await postern(['generate', 'cdktf', directory]);
  assert.equal(generated.code, 0, generated.stderr);
}

type Json = Record<string, unknown>;

/**
 * The AWS part of a stack: what is Google's or a random key becomes a constant, for there is no Google here. Everything of AWS
 * stays as it was generated.
 */
function onlyAws(file: string): void {
  const text = readFileSync(file, 'utf8')
    .replaceAll(/\$\{google_compute_ha_vpn_gateway\.main\.vpn_interfaces\[(\d)\]\.ip_address\}/g, '203.0.113.1$1')
    .replaceAll(/k\$\{random_password\.psk_(\d)\.result\}/g, 'k$1abcdefghijklmnopqrstuvwxyz01234');
  const stack = JSON.parse(text) as {
    terraform: Json & { required_providers: Json };
    provider: Json;
    resource: Json;
    output: Json;
  };
  for (const part of [stack.provider, stack.terraform.required_providers])
    for (const name of Object.keys(part)) if (name !== 'aws') delete part[name];
  for (const name of Object.keys(stack.resource)) if (!name.startsWith('aws_')) delete stack.resource[name];
  for (const [name, value] of Object.entries(stack.output))
    if (/google_compute|random_/.test(JSON.stringify(value))) delete stack.output[name];
  writeFileSync(file, JSON.stringify(stack, null, 1));
}

async function runTerraform(
  directory: string,
  endpoint: string,
  stack: string,
  args: readonly string[],
): Promise<void> {
  mkdirSync(join(directory, 'state'), { recursive: true });
  const { TF_CLI_CONFIG_FILE: _unused, ...rest } = process.env;
  const result = await run(
    'terraform',
    [`-chdir=${join(directory, 'terraform/stacks', stack)}`, ...args, '-no-color'],
    {
      env: {
        ...rest,
        CHECKPOINT_DISABLE: '1',
        AWS_ENDPOINT_URL: endpoint,
        AWS_ACCESS_KEY_ID: vendor,
        AWS_SECRET_ACCESS_KEY: 'any',
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_MAX_ATTEMPTS: '2',
      },
    },
  );
  assert.equal(result.code, 0, `terraform ${args[0]} ${stack}\n${result.stdout.slice(-4000)}\n${result.stderr}`);
}

/** The far side comes up and announces its networks over BGP. */
async function learnRoutes(simulator: AwsSimulator): Promise<void> {
  const { VpnConnections: connections = [] } = await clients(simulator.url, vendor).ec2.describeVpnConnections({});
  for (const { VpnConnectionId: connection, VgwTelemetry: tunnels = [] } of connections)
    for (const { OutsideIpAddress: tunnel } of tunnels) {
      const answer = await fetch(`${simulator.url}/_postern/tunnel`, {
        method: 'PUT',
        body: JSON.stringify({ connection, tunnel, up: true, learned: ['10.128.0.0/20'] }),
      });
      assert.equal(answer.status, 200, await answer.text());
    }
}

/** What an account has left, but what a region comes with. */
function leftOf(simulator: AwsSimulator, account: string): Record<string, unknown[]> {
  const left = Object.entries(simulator.state()).map(
    ([kind, records]) =>
      [kind, records.filter((record) => (record as { account: string }).account === account)] as const,
  );
  return Object.fromEntries(left.filter(([kind, records]) => records.length > 0 && kind !== 'dhcp-options'));
}
