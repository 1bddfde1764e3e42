/**
 * The instance stacks `awsvpc` and `awsvpn`, as `postern generate` writes them, applied to the simulator by the real Terraform
 * and the real AWS provider: applied, planned again without a difference, destroyed without a rest.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type AwsSimulator, startAwsSimulator } from '@postern/lab/aws';
import { need, needThat, postern, run, temporaryDirectory } from '@postern/testing';
import { clients, makeVpc } from './support/clients.ts';

const plugins = process.env['POSTERN_TF_PLUGIN_DIR'] ?? '';
const skip = need('terraform') || needThat('the AWS provider in POSTERN_TF_PLUGIN_DIR', existsSync(plugins));

const vendor = '123456789012';
const customer = '210987654321';

const instanceStacks = async (): Promise<void> => {
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
};

const sandboxResources = async (): Promise<void> => {
  const simulator = await startAwsSimulator();
  using directory = temporaryDirectory();
  const stack = join(directory.path, 'terraform/stacks/sandbox');
  mkdirSync(stack, { recursive: true });
  writeFileSync(join(stack, 'main.tf'), sandbox);
  try {
    const terraform = (...args: string[]) => runTerraform(directory.path, simulator.url, 'sandbox', args);
    await terraform('init', '-input=false', `-plugin-dir=${plugins}`);
    await terraform('apply', '-auto-approve', '-input=false');
    await terraform('plan', '-input=false', '-detailed-exitcode');
    await terraform('destroy', '-auto-approve', '-input=false');
    simulator.world.advance(60_000);
    assert.deepEqual(leftOf(simulator, vendor), {});
  } finally {
    await simulator.close();
  }
};

/** Both at once: most of their time the provider waits, in steps of ten seconds and more. */
describe(
  'terraform with the simulator applies, plans nothing more, and leaves nothing behind',
  { skip, concurrency: true },
  () => {
    test('the instance stacks awsvpc and awsvpn', instanceStacks);
    test('what a sandbox is made of', sandboxResources);
  },
);

/** Every kind of resource the sandbox's stacks use, once. */
const sandbox = `
terraform {
  required_providers { aws = { source = "hashicorp/aws", version = "5.100.0" } }
}
provider "aws" { region = "eu-central-1" }
resource "aws_vpc" "main" { cidr_block = "10.60.0.0/16" }
resource "aws_subnet" "public" {
  count             = 2
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.60.\${count.index}.0/24"
  availability_zone = ["eu-central-1a", "eu-central-1b"][count.index]
}
resource "aws_internet_gateway" "main" { vpc_id = aws_vpc.main.id }
resource "aws_eip" "nat" { domain = "vpc" }
resource "aws_nat_gateway" "main" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public[0].id
  depends_on    = [aws_internet_gateway.main]
}
resource "aws_route_table" "private" {
  vpc_id = aws_vpc.main.id
  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.main.id
  }
}
resource "aws_iam_role" "cluster" {
  name               = "cluster"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "eks.amazonaws.com" } }] })
}
resource "aws_iam_role_policy" "inline" {
  role   = aws_iam_role.cluster.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "ecr:*", Resource = "*" }] })
}
resource "aws_iam_role_policy_attachment" "cluster" {
  role       = aws_iam_role.cluster.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
}
resource "aws_iam_openid_connect_provider" "ci" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}
resource "aws_ecr_repository" "block" {
  name                 = "tenant/block"
  image_tag_mutability = "IMMUTABLE"
  image_scanning_configuration { scan_on_push = true }
}
resource "aws_ecr_lifecycle_policy" "block" {
  repository = aws_ecr_repository.block.name
  policy     = jsonencode({ rules = [{ rulePriority = 1, selection = { tagStatus = "untagged", countType = "imageCountMoreThan", countNumber = 10 }, action = { type = "expire" } }] })
}
resource "aws_eks_cluster" "main" {
  name     = "sandbox"
  role_arn = aws_iam_role.cluster.arn
  version  = "1.33"
  vpc_config { subnet_ids = aws_subnet.public[*].id }
  access_config { authentication_mode = "API" }
  enabled_cluster_log_types = ["api", "audit"]
}
resource "aws_launch_template" "nodes" {
  name = "nodes"
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
}
resource "aws_eks_node_group" "main" {
  cluster_name    = aws_eks_cluster.main.name
  node_group_name = "main"
  node_role_arn   = aws_iam_role.cluster.arn
  subnet_ids      = aws_subnet.public[*].id
  instance_types  = ["m6i.large"]
  launch_template {
    id      = aws_launch_template.nodes.id
    version = aws_launch_template.nodes.latest_version
  }
  scaling_config {
    min_size     = 1
    max_size     = 3
    desired_size = 2
  }
}
resource "aws_eks_addon" "cni" {
  cluster_name         = aws_eks_cluster.main.name
  addon_name           = "vpc-cni"
  configuration_values = jsonencode({ enableNetworkPolicy = "true" })
}
resource "aws_eks_access_entry" "admin" {
  cluster_name  = aws_eks_cluster.main.name
  principal_arn = aws_iam_role.cluster.arn
}
resource "aws_eks_access_policy_association" "admin" {
  cluster_name  = aws_eks_cluster.main.name
  principal_arn = aws_eks_access_entry.admin.principal_arn
  policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
  access_scope {
    type       = "namespace"
    namespaces = ["tenant"]
  }
}
resource "aws_eks_pod_identity_association" "main" {
  cluster_name    = aws_eks_cluster.main.name
  namespace       = "tenant"
  service_account = "app"
  role_arn        = aws_iam_role.cluster.arn
}
`;

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
