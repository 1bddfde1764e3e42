/** The same commands over a hub cluster: `--kubeconfig`, OpenShift's own Infrastructure, a real API server. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Kube, postern, type Running, startKube, startPostern } from '@postern/testing';
import { apply, installDefinitions, type Kubectl, kubectlOf, namespaces, needCluster } from '../cluster.ts';
import { clients, credentials, freshAccount, makeVpc, region } from '../world.ts';

/** Enough of OpenShift's own definition to hold one object with a status. */
const infrastructureDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'infrastructures.config.openshift.io' },
  spec: {
    group: 'config.openshift.io',
    names: {
      kind: 'Infrastructure',
      listKind: 'InfrastructureList',
      plural: 'infrastructures',
      singular: 'infrastructure',
    },
    scope: 'Cluster',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

const infrastructure = {
  apiVersion: 'config.openshift.io/v1',
  kind: 'Infrastructure',
  metadata: { name: 'cluster' },
  status: { infrastructureName: 'hub-abc12', platformStatus: { type: 'AWS', aws: { region } } },
};

describe('the stage of private links in a hub cluster', { skip: needCluster() }, () => {
  let kube: Kube;
  let simulator: Running;
  let url: string;
  let kubectl: Kubectl;
  before(async () => {
    simulator = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--quiet']);
    kube = await startKube({ controllerManager: false });
    url = (await simulator.line(/(http:\/\/\S+)/))[1]!;
    kubectl = kubectlOf(kube.kubeconfig);
    await installDefinitions(kubectl);
    await apply(kubectl, ...namespaces, infrastructureDefinition);
    const names = ['hiveconfigs.hive.openshift.io', 'infrastructures.config.openshift.io'];
    for (const name of names) await kubectl('wait', '--for=condition=Established', `crd/${name}`, '--timeout=60s');
    await apply(kubectl, infrastructure);
  });
  after(async () => {
    await simulator?.[Symbol.asyncDispose]();
    await kube?.[Symbol.asyncDispose]();
  });

  const command = (...args: string[]) =>
    postern(['privatelink', ...args, '--kubeconfig', kube.kubeconfig, '--aws-endpoint', url]);
  const succeeds = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await command(...args);
    assert.equal(code, 0, `${args.join(' ')}\n${stdout}${stderr}`);
    return stdout;
  };
  const hiveConfig = async () => {
    const { stdout } = await kubectl('get', 'hiveconfig', 'hive', '-o', 'json');
    return (JSON.parse(stdout) as { spec: { logLevel?: string; awsPrivateLink?: Record<string, unknown> } }).spec;
  };

  test('enable, endpointvpc add and remove, disable: the HiveConfig is edited and the rest of it stays', async () => {
    const account = freshAccount();
    const aws = clients(url, account);
    const hive = await makeVpc(aws, '10.0', 'a');
    const endpoint = await makeVpc(aws, '10.1', 'ab');
    const tag = { Key: 'kubernetes.io/cluster/hub-abc12', Value: 'shared' };
    await aws.ec2.createTags({ Resources: [hive.vpc], Tags: [tag] });
    const config = { apiVersion: 'hive.openshift.io/v1', kind: 'HiveConfig', metadata: { name: 'hive' } };
    await apply(kubectl, credentials('aws-creds', 'clusters', account), {
      ...config,
      spec: { targetNamespace: 'hive' },
    });
    await succeeds('enable', '--creds-secret', 'clusters/aws-creds');
    assert.deepEqual((await hiveConfig()).awsPrivateLink?.['associatedVPCs'], [{ region, vpcID: hive.vpc }]);
    assert.equal((await kubectl('-n', 'hive', 'get', 'secret', 'awsprivatelink-hub-acct-creds')).code, 0);
    const add = ['endpointvpc', 'add', endpoint.vpc, '--region', region, '--subnet-ids', endpoint.subnets.join(',')];
    await succeeds(...add);
    assert.match(await succeeds(...add), /Nothing to do/);
    const inventory = (await hiveConfig()).awsPrivateLink?.['endpointVPCInventory'] as Array<{ vpcID: string }>;
    assert.deepEqual(
      inventory.map(({ vpcID }) => vpcID),
      [endpoint.vpc],
    );
    assert.match(await succeeds('verify'), /the peering pcx-\w+ is active/);
    const early = await command('disable');
    assert.equal(early.code, 1);
    await succeeds('endpointvpc', 'remove', endpoint.vpc);
    await succeeds('disable');
    assert.equal((await hiveConfig()).awsPrivateLink, undefined);
    assert.notEqual((await kubectl('-n', 'hive', 'get', 'secret', 'awsprivatelink-hub-acct-creds')).code, 0);
  });
});
