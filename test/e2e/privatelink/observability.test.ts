/** Properties 8 and 11: Ready can mean reachable, and what people and programs are told of it all. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import type { AwsSimulator } from '@postern/lab/aws';
import { eventually, temporaryDirectory } from '@postern/testing';
import { Registry } from 'prom-client';
import { clusterDeploymentKind as clusterKind } from '../../../packages/privatelink/src/kinds/index.ts';
import { findLeaksWith } from '../../../packages/privatelink/src/leaks.ts';
import { privateLinkMetrics } from '../../../packages/privatelink/src/metrics.ts';
import { conditionOf, running, startSimulator } from './harness.ts';
import { hiveConfig, makeCustomer, makeHub, makeLoadBalancer, stageCluster, writeCluster, writeFile } from './world.ts';
import { credentials } from './world.ts';

let simulator: AwsSimulator;
let url: string;
before(async () => {
  simulator = await startSimulator();
  ({ url } = simulator);
});
after(() => simulator.close());

/** A vantage point: an HTTP CONNECT proxy that says whom it was asked for, and yes only while `open`. */
async function vantagePoint(): Promise<{ server: Server; port: number; asked: string[]; open: boolean }> {
  const point = { asked: [] as string[], open: false };
  const server = createServer((socket) => {
    socket.once('data', (data) => {
      point.asked.push(/^CONNECT (\S+)/.exec(String(data))?.[1] ?? '');
      socket.end(point.open ? 'HTTP/1.1 200 OK\r\n\r\n' : 'HTTP/1.1 504 Gateway Timeout\r\n\r\n');
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(point, { server, port: (server.address() as { port: number }).port });
}

test('property 8: Ready means reachable through the named vantage point, now and later', async () => {
  using dir = temporaryDirectory();
  const point = await vantagePoint();
  try {
    await stageCluster(url, dir.path, { hive: { probe: { vantagePoint: 'pod', ports: [6443, 22623] } } });
    writeFile(dir.path, 'vantage.yaml', {
      apiVersion: 'postern.dev/v1',
      kind: 'VantagePoint',
      metadata: { name: 'pod' },
      spec: { connectProxy: `http://127.0.0.1:${point.port}` },
    });
    await using _controller = await running(dir.path, url, { resyncMs: 20_000 });
    const ready = () => conditionOf(dir.path, 'acme');
    await eventually('not reachable', async () => (await ready()).reason === 'EndpointNotReachable');
    assert.equal((await ready()).status, 'False');
    assert.match((await ready()).message, /api\.acme\.acme\.example.*vantage point pod.*504/);
    point.open = true;
    await eventually('ready', async () => (await ready()).status === 'True');
    assert.deepEqual(new Set(point.asked), new Set(['api.acme.acme.example:6443', 'api.acme.acme.example:22623']));
    point.open = false;
    await eventually(
      'no longer ready, after the patience of three minutes',
      async () => (await ready()).status === 'False',
    );
    const failed = await conditionOf(dir.path, 'acme', 'AWSPrivateLinkFailed');
    assert.deepEqual([failed.status, failed.reason], ['True', 'EndpointNotReachable']);
  } finally {
    point.server.close();
  }
});

test('property 11: metrics of time, state, capacity, leaks, calls and throttles; an Event for each step', async () => {
  using dir = temporaryDirectory();
  const hub = await makeHub(url, 1, 'a');
  const customer = await makeCustomer(url, 'a');
  await makeLoadBalancer(customer, 'acme-x7k2p-int');
  const inventory = hiveConfig(hub).spec.awsPrivateLink.endpointVPCInventory;
  const config = hiveConfig(hub, { endpointVPCInventory: inventory.map((vpc) => ({ ...vpc, endpointQuota: 7 })) });
  writeFile(dir.path, 'hub.yaml', config, credentials('hub-credentials', 'hive', hub.account));
  writeCluster(dir.path, 'acme', customer);
  writeCluster(dir.path, 'waits', customer); // its load balancer never comes
  simulator.rule({
    match: { action: 'CreateHostedZone', account: hub.account },
    effect: { throttle: true },
    times: 1,
  });
  // What an earlier hub left: tagged, and nobody's.
  const owned = { Key: 'hive.openshift.io/private-link-access-for', Value: 'lost-00000' };
  await customer.aws.ec2.createVpcEndpointServiceConfiguration({
    NetworkLoadBalancerArns: [await makeLoadBalancer(customer, 'lost')],
    TagSpecifications: [{ ResourceType: 'vpc-endpoint-service', Tags: [owned] }],
  });
  const registry = new Registry();
  const metrics = privateLinkMetrics(registry);
  await using controller = await running(dir.path, url, { observer: metrics.observer, hooks: metrics.hooks });
  metrics.watch(controller.controller);
  await eventually('ready', () => controller.controller.verdicts().some(({ verdict }) => verdict.state === 'ready'));
  await eventually('the other to wait', () =>
    controller.controller.verdicts().some(({ verdict }) => verdict.reason === 'DiscoveringNLBNotYetFound'),
  );
  const { leaks } = await findLeaksWith(controller.controller, controller.store, new AbortController().signal);
  metrics.setLeaks(new Map([['service', leaks.length]]));
  const text = await registry.metrics();
  const vpc = hub.vpcs[0]!.vpc;
  for (const line of [
    /^postern_privatelink_time_to_ready_seconds_count 1$/m,
    /^postern_privatelink_links\{.*state="ready",reason="PrivateLinkAccessReady".*\} 1$/m,
    /^postern_privatelink_links\{.*state="waiting",reason="DiscoveringNLBNotYetFound".*\} 1$/m,
    new RegExp(`^postern_privatelink_vpc_endpoints\\{vpc="${vpc}"\\} 1$`, 'm'),
    new RegExp(`^postern_privatelink_vpc_endpoint_quota\\{vpc="${vpc}"\\} 7$`, 'm'),
    /^postern_privatelink_leaks\{kind="service"\} 1$/m,
    /^postern_aws_calls_total\{action="ec2:CreateVpcEndpoint",result="OK"\} 1$/m,
    /^postern_aws_throttles_total\{action="route53:CreateHostedZone"\} 1$/m,
    /^postern_privatelink_steps_total\{step="create-endpoint"\} 1$/m,
  ])
    assert.match(text, line);
  const events = await controller.store.events({ kind: clusterKind.kind, namespace: 'clusters', name: 'acme' });
  assert.deepEqual(
    events.map(({ reason }) => reason),
    [
      'CreateService',
      'ModifyPrincipals',
      'CreateEndpoint',
      'CreateZone',
      'TagZone',
      'PutRecord',
      'PrivateLinkAccessReady',
    ],
  );
});
