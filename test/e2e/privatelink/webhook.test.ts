/** The admission webhook before a real API server: what it refuses and how it says so, its certificate, and that it fails closed. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { definitions } from '@postern/privatelink';
import {
  eventually,
  freePort,
  type Kube,
  type Running,
  startKube,
  startPostern,
  temporaryDirectory,
} from '@postern/testing';
import { runWebhook } from '../../../packages/privatelink/src/webhook/run-webhook.ts';
import { apply, hubConfig, type Kubectl, kubectlOf, namespaces, needCluster, refused } from './cluster.ts';
import { clusterDeployment, type Hub } from './world.ts';

/** The webhook asks AWS nothing: any ids will do. */
const hub = { account: '123456789012', vpcs: [{ vpc: 'vpc-1', subnets: ['subnet-11'] }] } as unknown as Hub;

describe('the admission webhook', { skip: needCluster() }, () => {
  let kube: Kube;
  let kubectl: Kubectl;
  let webhook: Running;
  const start = (...more: readonly string[]): Running =>
    startPostern(['privatelink', 'webhook', '--kubeconfig', kube.kubeconfig, '--listen', '127.0.0.1:0', ...more]);
  before(async () => {
    kube = await startKube({ controllerManager: false });
    kubectl = kubectlOf(kube.kubeconfig);
    using dir = temporaryDirectory();
    const file = join(dir.path, 'crds.json');
    // As a hub's own Hive has them: without our patterns, so that it is the webhook that speaks.
    const crds = definitions({ hive: true }).map((crd) => JSON.parse(withoutPatterns(JSON.stringify(crd))) as object);
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: crds }));
    assert.equal((await kubectl('apply', '--server-side', '-f', file)).code, 0);
    assert.equal((await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s')).code, 0);
    await apply(kubectl, ...namespaces, hubConfig(hub));
    webhook = start();
    await webhook.line(/"ready"/, 60_000);
  });
  after(async () => {
    await webhook?.[Symbol.asyncDispose]();
    await kube?.[Symbol.asyncDispose]();
  });

  const inRegion = (name: string, region: string, privateLink: Record<string, unknown> = {}) => {
    const cluster = clusterDeployment(name, { privateLink });
    return { ...cluster, spec: { ...cluster.spec, platform: { aws: { ...cluster.spec.platform.aws, region } } } };
  };
  /** The API server takes up a new configuration in a moment of its own. */
  const soonRefused = (...documents: readonly object[]): Promise<string> =>
    eventually('the webhook to be asked', () => refused(kubectl, ...documents));

  test('an unsupported region is refused whatever its letter case, and the field is named', async () => {
    for (const region of ['eu-west-9', 'EU-West-9']) {
      const said = await soonRefused(inRegion('elsewhere', region));
      assert.match(
        said,
        new RegExp(`spec\\.platform\\.aws\\.region: .*not supported in region ${region}.*eu-central-1`),
      );
      assert.match(said, /clusterdeployments\.privatelink\.postern\.dev/);
    }
    await apply(kubectl, inRegion('loud', 'EU-Central-1'));
    await apply(kubectl, inRegion('public', 'eu-west-9', { enabled: false }));
  });

  test('an ARN that is none is refused on creation and on change, and its place in the list is named', async () => {
    const good = 'arn:aws:iam::123456789012:role/reader';
    const principals = (...list: readonly string[]) => ({ additionalAllowedPrincipals: list });
    const field =
      /spec\.platform\.aws\.privateLink\.additionalAllowedPrincipals\[1\]: "nonsense" is not a principal such as arn:/;
    assert.match(await soonRefused(inRegion('arn', 'eu-central-1', principals(good, 'nonsense'))), field);
    await apply(kubectl, inRegion('arn', 'eu-central-1', principals(good)));
    assert.match(await refused(kubectl, inRegion('arn', 'eu-central-1', principals(good, 'nonsense'))), field);
    await apply(kubectl, inRegion('arn', 'eu-central-1'));
  });

  test('what Hive lets nobody change is not changed, and what it lets is', async () => {
    await apply(kubectl, inRegion('fixed', 'eu-central-1'));
    assert.match(await refused(kubectl, inRegion('fixed', 'eu-west-1')), /spec\.platform\.aws\.region: is immutable/);
    assert.match(
      await refused(kubectl, inRegion('fixed', 'eu-central-1', { enabled: false })),
      /spec\.platform\.aws\.privateLink\.enabled: is immutable/,
    );
    const gone = await kubectl(
      'patch',
      '-n',
      'clusters',
      'cd/fixed',
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/spec/platform/aws/privateLink"}]',
    );
    assert.match(gone.stderr, /privateLink\.enabled: is immutable/);
    await apply(
      kubectl,
      inRegion('fixed', 'eu-central-1', { additionalAllowedPrincipals: ['arn:aws:iam::123456789012:root'] }),
    );
  });

  test('a HiveConfig that is wrong is refused, a changed one is obeyed at once', async () => {
    const wrong = hubConfig(hub, { credentialsSecretRef: { name: '< hub secret >' } });
    assert.match(await refused(kubectl, wrong), /spec\.awsPrivateLink\.credentialsSecretRef\.name: /);
    const config = hubConfig(hub);
    const entry = config.spec.awsPrivateLink.endpointVPCInventory[0]!;
    const more = hubConfig(hub, { endpointVPCInventory: [entry, { ...entry, region: 'eu-west-9', vpcID: 'vpc-2' }] });
    await apply(kubectl, more, inRegion('second', 'eu-west-9'));
    await apply(kubectl, config);
    assert.match(await refused(kubectl, inRegion('third', 'eu-west-9')), /not supported/);
    await apply(kubectl, inRegion('second', 'eu-west-9', { additionalAllowedPrincipals: [] }));
  });

  test('it fails closed, and what is there can still go', async () => {
    await apply(kubectl, inRegion('held', 'eu-central-1'));
    await kubectl(
      'patch',
      '-n',
      'clusters',
      'cd/held',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":["t.example/f"]}}',
    );
    await webhook.stop('SIGKILL');
    assert.match(await refused(kubectl, inRegion('nobody', 'eu-central-1')), /failed calling webhook/);
    assert.equal((await kubectl('delete', '-n', 'clusters', 'cd/held', '--wait=false')).code, 0);
    const letGo = await kubectl(
      'patch',
      '-n',
      'clusters',
      'cd/held',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    );
    assert.equal(letGo.code, 0, letGo.stderr);
    webhook = start();
    await webhook.line(/"ready"/, 60_000);
    await eventually('it to be asked again', async () => {
      await apply(kubectl, inRegion('somebody', 'eu-central-1'));
      return true;
    });
  });

  test('its certificate is made anew before it ends, without a restart and without a refusal in between', async () => {
    await webhook.stop();
    const stop = new AbortController();
    using dir = temporaryDirectory();
    const caFile = join(dir.path, 'ca.pem');
    const port = await freePort();
    const running = runWebhook({
      source: { kind: 'cluster', kubeconfig: kube.kubeconfig },
      listen: { host: '127.0.0.1', port },
      reach: { kind: 'url', url: `https://127.0.0.1:${port}` },
      tlsSecret: { namespace: 'hive', name: 'webhook-tls' },
      caFile,
      certificateLifetimeMs: 12_000,
      checkMs: 500,
      logLevel: 'warn',
      clock: {
        now: () => Date.now(),
        monotonic: () => performance.now(),
        sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
      },
      random: Math.random,
      signal: stop.signal,
    });
    const secret = async (): Promise<string> =>
      (await kubectl('get', '-n', 'hive', 'secret/webhook-tls', '-o', 'jsonpath={.data.tls\\.crt}')).stdout;
    await eventually('the first certificate', () => existsSync(caFile));
    const seen = new Set<string>();
    const unsupported = inRegion('rotating', 'eu-west-9');
    await eventually('the webhook to be asked', async () => /not supported/.test(await refused(kubectl, unsupported)));
    await eventually(
      'three certificates, one after the other',
      async () => {
        seen.add(await secret());
        // Every answer is the webhook's own: none is a failed handshake.
        assert.match(await refused(kubectl, unsupported), /not supported in region eu-west-9/);
        return seen.size >= 3;
      },
      60_000,
    );
    assert.ok((readFileSync(caFile, 'utf8').match(/BEGIN CERTIFICATE/g) ?? []).length >= 1);
    stop.abort();
    await running;
  });
});

function withoutPatterns(text: string): string {
  return text.replace(/,?"pattern":"(?:[^"\\]|\\.)*"/g, '').replaceAll('{,', '{');
}
