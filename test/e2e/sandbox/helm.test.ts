/** The same road through Helm: what is installed is what was judged, and a rollback brings back what ran. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Cluster } from '@postern/sandbox';
import {
  type Kube,
  need,
  needKube,
  postern,
  repositoryRoot,
  run,
  startKube,
  temporaryDirectory,
} from '@postern/testing';

const digests = ['11', '22', '33', '44'].map((byte) => `sha256:${byte.repeat(32)}`);
const image = (n: number): string => `registry.example/rest-app@${digests[n]}`;

describe('a release through Helm', { skip: needKube() || need('helm') }, () => {
  const scratch = temporaryDirectory();
  const dir = join(scratch.path, 'play');
  const chart = join(dir, 'charts/rest-app');
  let kube: Kube;
  let admin: Cluster;

  const release = async (verb: string, name: string, ...args: string[]) => {
    const cluster = ['deploy', 'rollback'].includes(verb) ? ['--kubeconfig', kube.kubeconfig, '--no-wait'] : [];
    const as = verb === 'submit' || verb === 'evaluate' ? 'dev@acme.example' : 'ada@sandbox.example';
    const done = await postern([
      'sandbox',
      'release',
      verb,
      ...(name === '' ? [] : [name]),
      '--dir',
      dir,
      '--as',
      as,
      ...cluster,
      ...args,
    ]);
    return { ...done, text: `${done.stdout}${done.stderr}` };
  };
  /** Submits, has it judged and approved. */
  const approved = async (name: string, images: readonly string[]): Promise<void> => {
    const scans = images.map((one, i) => {
      const file = join(scratch.path, `${name}-${i}.json`);
      writeFileSync(
        file,
        JSON.stringify({
          SchemaVersion: 2,
          CreatedAt: new Date().toISOString(),
          ArtifactName: one,
          Metadata: { RepoDigests: [one] },
          Results: [{ Target: 'debian', Class: 'os-pkgs', Type: 'debian' }],
        }),
      );
      return file;
    });
    const tests = join(scratch.path, 'tests.xml');
    writeFileSync(tests, '<testsuite tests="1"><testcase name="answers"/></testsuite>');
    const submitted = await release(
      'submit',
      '',
      '--block',
      'rest-app',
      '--tests',
      tests,
      ...images.flatMap((one) => ['--image', one]),
      ...scans.flatMap((file) => ['--scan', file]),
    );
    assert.equal(submitted.code, 0, submitted.text);
    for (const verb of ['evaluate', 'approve']) {
      const done = await release(verb, name);
      assert.equal(done.code, 0, `${verb}: ${done.text}`);
    }
  };
  const live = async () => {
    const found = await admin.read({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'rest-app', namespace: 'example' },
    });
    const { template } = found!['spec'] as { template: { spec: { containers: Array<{ image: string }> } } };
    return { images: template.spec.containers.map((one) => one.image), labels: found!.metadata.labels };
  };
  const helm = async (...args: string[]): Promise<unknown> => {
    const done = await run('helm', [...args, '-n', 'example', '--kubeconfig', kube.kubeconfig, '-o', 'json'], {
      env: { ...process.env, HELM_DRIVER: 'configmap' },
    });
    assert.equal(done.code, 0, done.stderr);
    return JSON.parse(done.stdout);
  };

  before(async () => {
    kube = await startKube();
    admin = await Cluster.open({ kubeconfig: kube.kubeconfig });
    assert.equal((await postern(['sandbox', 'init', dir, '--name', 'play'])).code, 0);
    const file = join(dir, 'sandbox.yaml');
    writeFileSync(file, `${readFileSync(file, 'utf8')}  releases:\n    admins: [ada@sandbox.example]\n`);
    mkdirSync(join(dir, 'blocks'));
    cpSync(join(repositoryRoot, 'examples/rest-app/chart'), chart, { recursive: true });
    writeFileSync(
      join(dir, 'blocks/rest-app.yaml'),
      JSON.stringify({
        apiVersion: 'postern.dev/v1',
        kind: 'BuildingBlock',
        metadata: { name: 'rest-app' },
        spec: { tenant: 'example', namespace: 'example', chart: 'charts/rest-app' },
      }),
    );
    const applied = await postern([
      'sandbox',
      'tenant',
      'apply',
      '-f',
      join(dir, 'tenants'),
      '--kubeconfig',
      kube.kubeconfig,
      '--quiet',
    ]);
    assert.equal(applied.code, 0, applied.stderr);
  });
  after(async () => {
    await kube?.[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  it('the chart keeps the packaging rules', async () => {
    const linted = await postern(['sandbox', 'lint', chart, '-n', 'example']);
    assert.equal(linted.code, 0, linted.stdout);
    assert.match(linted.stdout, /2 objects: 0 refused/);
  });

  it('is installed by digest, with the deployer’s rights, as a release that Helm knows', async () => {
    await approved('rest-app-1', [image(0)]);
    const deployed = await release('deploy', 'rest-app-1');
    assert.equal(deployed.code, 0, deployed.text);
    const { images, labels } = await live();
    assert.deepEqual(images, [image(0)]);
    assert.equal(labels?.['postern.dev/release'], 'rest-app-1');
    assert.equal(labels?.['app.kubernetes.io/managed-by'], 'Helm');
    const [listed] = (await helm('list')) as Array<{ name: string; chart: string; status: string }>;
    assert.deepEqual([listed?.name, listed?.chart, listed?.status], ['rest-app', 'rest-app-1.0.0', 'deployed']);
  });

  it('what the release does not name is not installed, and nothing is half done', async () => {
    await approved('rest-app-2', [image(1)]);
    const file = join(chart, 'templates/app.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace(
        '      containers:\n',
        '      initContainers:\n        - {name: init, image: "busybox:1.36"}\n      containers:\n',
      ),
    );
    const sidecar = await release('deploy', 'rest-app-2');
    assert.equal(sidecar.code, 2, sidecar.text);
    assert.match(sidecar.text, /busybox:1\.36 is named by tag/);
    writeFileSync(
      file,
      `${text}---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: mine}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n`,
    );
    assert.match((await release('deploy', 'rest-app-2')).text, /ClusterRoleBinding may not be brought along/);
    assert.deepEqual((await live()).images, [image(0)]);
    writeFileSync(file, text);
    const again = await release('deploy', 'rest-app-2');
    assert.equal(again.code, 0, again.text);
    assert.deepEqual((await live()).images, [image(1)]);
  });

  it('is rolled back to what ran, whatever has become of the chart', async () => {
    writeFileSync(join(chart, 'values.yaml'), 'replicas: 7\nresources: {}\n');
    const rolled = await release('rollback', 'rest-app');
    assert.equal(rolled.code, 0, rolled.text);
    assert.deepEqual((await live()).images, [image(0)]);
    const history = (await helm('history', 'rest-app')) as Array<{ revision: number; status: string }>;
    assert.deepEqual(
      history.map((one) => `${one.revision} ${one.status}`),
      ['1 superseded', '2 superseded', '3 deployed'],
    );
    const deployment = await admin.read({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'rest-app', namespace: 'example' },
    });
    assert.equal((deployment!['spec'] as { replicas: number }).replicas, 1);
  });
});
