/** kubectl builds the generated tree: sidecars only where the labels are, and a changed route rolls the pods. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { need, run, temporaryDirectory } from '@postern/testing';
import { parseAllDocuments } from 'yaml';
import { generate } from '../generate/generate.ts';
import { exampleText } from '../testdata/example.ts';

interface Container {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value: string }>;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly dnsPolicy?: string;
        readonly dnsConfig?: { readonly nameservers: readonly string[] };
        readonly initContainers?: readonly Container[];
        readonly containers: readonly Container[];
        readonly volumes?: ReadonlyArray<{ readonly configMap?: { readonly name: string } }>;
      };
    };
  };
}

const workload = (kind: string, name: string, labels: string): string => `apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}, labels: {app: ${name}${labels}}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      initContainers: [{name: migrate, image: "example/migrate:1"}]
      containers:
        - {name: ${name}, image: "example/${name}:1", env: [{name: MODE, value: x}]}
        - {name: helper, image: "example/helper:1"}
---
`;

async function build(dir: string): Promise<Manifest[]> {
  const built = await run('kubectl', ['kustomize', '--load-restrictor', 'LoadRestrictionsNone', '.'], {
    cwd: join(dir, 'kubernetes'),
  });
  assert.equal(built.code, 0, built.stderr);
  return parseAllDocuments(built.stdout).map((document) => document.toJS() as Manifest);
}

function setUp(dir: string): void {
  writeFileSync(join(dir, 'config.yaml'), exampleText());
  mkdirSync(join(dir, 'kubernetes/base'), { recursive: true });
  writeFileSync(join(dir, 'kubernetes/base/kustomization.yaml'), 'resources: [product.yaml]\n');
  writeFileSync(
    join(dir, 'kubernetes/base/product.yaml'),
    workload('Deployment', 'plain', '') +
      workload('Deployment', 'web', ', postern.dev/dns-proxy: "true"') +
      workload('StatefulSet', 'gitserver', ', postern.dev/dns-proxy: "true", postern.dev/connect-client: "true"'),
  );
}

const find = (all: readonly Manifest[], name: string): Manifest =>
  all.find(({ kind, metadata }) => metadata.name === name && kind !== 'ConfigMap')!;
const pod = (manifest: Manifest): Manifest['spec']['template']['spec'] => manifest.spec.template.spec;

test('sidecars go by label, before the product’s own init containers', { skip: need('kubectl') }, async () => {
  using scratch = temporaryDirectory();
  setUp(scratch.path);
  generate(scratch.path);
  const all = await build(scratch.path);

  const plain = pod(find(all, 'plain'));
  assert.equal(plain.dnsPolicy, undefined);
  assert.deepEqual(
    plain.initContainers?.map(({ name }) => name),
    ['migrate'],
  );

  const web = pod(find(all, 'web'));
  assert.equal(web.dnsPolicy, 'None');
  assert.deepEqual(web.dnsConfig?.nameservers, ['127.0.0.1']);
  assert.deepEqual(
    web.initContainers?.map(({ name }) => name),
    ['dns-proxy', 'migrate'],
  );
  assert.equal(web.initContainers?.[0]?.restartPolicy, 'Always');
  assert.equal(
    web.initContainers?.[0]?.image,
    'europe-west3-docker.pkg.dev/src-0123456789abcdef0123/postern/postern:0.1.0',
  );
  assert.deepEqual(
    web.containers.map(({ image }) => image),
    ['example/web:1', 'example/helper:1'],
  );
  assert.ok(!web.containers.some(({ env }) => env?.some(({ name }) => name === 'HTTP_PROXY')));

  const gitserver = pod(find(all, 'gitserver'));
  assert.deepEqual(
    new Set(gitserver.initContainers?.map(({ name }) => name)),
    new Set(['dns-proxy', 'tunnel-client', 'migrate']),
  );
  assert.equal(gitserver.initContainers?.at(-1)?.name, 'migrate');
  const [main, helper] = gitserver.containers;
  const value = (name: string): string | undefined => main?.env?.find((item) => item.name === name)?.value;
  assert.equal(value('MODE'), 'x');
  assert.equal(value('HTTPS_PROXY'), 'http://127.0.0.1:3128');
  assert.equal(value('no_proxy'), value('NO_PROXY'));
  for (const needed of [
    'localhost',
    '127.0.0.1',
    '.svc',
    '.svc.cluster.local',
    'kubernetes.default.svc',
    'cloud-sql-proxy',
    '10.128.0.0/20',
    '10.64.0.0/14',
    '169.254.169.254',
  ])
    assert.ok(value('NO_PROXY')?.split(',').includes(needed), needed);
  assert.equal(helper?.env, undefined);
});

test('a changed route changes the ConfigMap’s name, so that the pods roll', { skip: need('kubectl') }, async () => {
  using scratch = temporaryDirectory();
  setUp(scratch.path);
  const configMap = async (): Promise<string | undefined> => {
    generate(scratch.path);
    return pod(find(await build(scratch.path), 'web')).volumes?.find(({ configMap }) =>
      configMap?.name.startsWith('postern-dns-proxy'),
    )?.configMap?.name;
  };
  const before = await configMap();
  assert.match(before!, /^postern-dns-proxy-[a-z0-9]{10}$/);
  assert.equal(await configMap(), before);
  writeFileSync(join(scratch.path, 'config.yaml'), exampleText().replace('gitlab.internal', 'github.internal'));
  assert.notEqual(await configMap(), before);
});

test(
  'the tree builds on a fresh directory, with every feature on and with none',
  { skip: need('kubectl') },
  async () => {
    using scratch = temporaryDirectory();
    writeFileSync(join(scratch.path, 'config.yaml'), exampleText());
    generate(scratch.path);
    const kinds = (await build(scratch.path)).map(({ kind }) => kind);
    for (const kind of ['ServiceAccount', 'Service', 'StatefulSet', 'ConfigMap']) assert.ok(kinds.includes(kind), kind);
    const agent = await run('kubectl', ['kustomize', join(scratch.path, 'playbook/agent/kubernetes')]);
    assert.equal(agent.code, 0, agent.stderr);
    assert.match(agent.stdout, /kind: Deployment/);

    using bare = temporaryDirectory();
    const none = exampleText()
      .replace(/ {6}routes:\n[\s\S]*?amazonaws\.com\n/, '      routes: []\n')
      .replaceAll('enabled: true', 'enabled: false');
    writeFileSync(join(bare.path, 'config.yaml'), none);
    generate(bare.path);
    assert.match(readFileSync(join(bare.path, 'kubernetes/kustomization.yaml'), 'utf8'), /resources:\n {2}- base\n$/);
    const built = await run('kubectl', ['kustomize', join(bare.path, 'kubernetes')]);
    assert.equal(built.code, 0, built.stderr);
  },
);
