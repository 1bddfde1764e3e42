/** Our definitions in a real API server: what they refuse by themselves, and that somebody else's are left alone. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { installCrds, KubeApi, type LiveObject } from '@postern/resources';
import { privateLinkKinds } from '@postern/privatelink';
import { type Kube, postern, startKube } from '@postern/testing';
import { apply, hubConfig, type Kubectl, kubectlOf, namespaces, needCluster, refused } from './cluster.ts';
import { clusterDeployment, type Hub } from './world.ts';

const hub = { account: '123456789012', vpcs: [{ vpc: 'vpc-1', subnets: ['subnet-11'] }] } as unknown as Hub;
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms: number, signal?: AbortSignal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
};

describe('the definitions of the kinds', { skip: needCluster() }, () => {
  let kube: Kube;
  let kubectl: Kubectl;
  let api: KubeApi;
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  before(async () => {
    kube = await startKube({ controllerManager: false });
    kubectl = kubectlOf(kube.kubeconfig);
    api = await KubeApi.open({ kubeconfig: kube.kubeconfig });
  });
  after(async () => kube?.[Symbol.asyncDispose]());

  test("Hive's own definition stays as it is; what is missing is made; a second time nothing changes", async () => {
    // A status before any of them: it says what is missing.
    const before = await postern(['privatelink', 'status', '--kubeconfig', kube.kubeconfig]);
    assert.equal(before.code, 0, before.stderr);
    assert.match(before.stderr, /has no ClusterDeployment, PrivateLink/);
    const hives = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'clusterprovisions.hive.openshift.io' },
      spec: {
        group: 'hive.openshift.io',
        scope: 'Namespaced',
        names: {
          kind: 'ClusterProvision',
          listKind: 'ClusterProvisionList',
          plural: 'clusterprovisions',
          singular: 'clusterprovision',
        },
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
    const made = await api.call<LiveObject>('POST', path, { body: hives });
    const first = new Map(
      (await installCrds(api, privateLinkKinds, clock)).map(({ name, outcome }) => [name, outcome]),
    );
    assert.equal(first.get('clusterprovisions.hive.openshift.io'), "somebody else's");
    assert.equal(first.get('privatelinks.postern.dev'), 'made');
    assert.equal(first.get('hiveconfigs.hive.openshift.io'), 'made');
    const after = await api.call<LiveObject>('GET', `${path}/clusterprovisions.hive.openshift.io`);
    assert.equal(after.metadata.generation, made.metadata.generation);
    const second = await installCrds(api, privateLinkKinds, clock);
    assert.deepEqual(new Set(second.map(({ outcome }) => outcome)), new Set(['as it should be', "somebody else's"]));
  });

  test('they refuse what is wrong and name the field, also where no webhook runs', async () => {
    await apply(kubectl, ...namespaces, hubConfig(hub));
    const cluster = (principal: string) =>
      clusterDeployment('acme', { privateLink: { additionalAllowedPrincipals: [principal] } });
    await apply(kubectl, cluster('arn:aws-us-gov:iam::123456789012:role/reader'));
    assert.match(
      await refused(kubectl, cluster('arn:aws:iam::12:root')),
      /spec\.platform\.aws\.privateLink\.additionalAllowedPrincipals\[0\]: Invalid value/,
    );
    const another = { ...hubConfig(hub), metadata: { name: 'another' } };
    assert.match(await refused(kubectl, another), /there is one HiveConfig, and its name is hive/);
    const link = (changes: object) => ({
      apiVersion: 'postern.dev/v1',
      kind: 'PrivateLink',
      metadata: { name: 'git', namespace: 'clusters' },
      spec: {
        region: 'eu-central-1',
        serviceRef: { name: 'git' },
        hostName: 'git.acme.example',
        credentials: { secretRef: { name: 'aws' } },
        ...changes,
      },
    });
    assert.match(
      await refused(kubectl, link({ serviceRef: { name: 'git', tag: { key: 'a', value: 'b' } } })),
      /spec\.serviceRef: .*exactly one of name, arn and tag/,
    );
    assert.match(
      await refused(kubectl, link({ credentials: {} })),
      /spec\.credentials: .*exactly one of secretRef and assumeRole/,
    );
    await apply(kubectl, link({}));
    await apply(kubectl, link({ region: 'EU-CENTRAL-1', userTags: { team: 'a' } }));
    assert.match(await refused(kubectl, link({ region: 'us-east-1' })), /spec\.region: .*immutable/);
    assert.match(await refused(kubectl, link({ hostname: 'x' })), /unknown field "spec\.hostname"/);
    const point = { apiVersion: 'postern.dev/v1', kind: 'VantagePoint', metadata: { name: 'hub' } };
    assert.match(await refused(kubectl, { ...point, spec: {} }), /exactly one of connectProxy and direct/);
    await apply(kubectl, { ...point, spec: { direct: true } });
  });
});
