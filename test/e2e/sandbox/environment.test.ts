/** The document's environment: generated, validated by Terraform, applied on the AWS simulator, and destroyed in reverse. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Cluster } from '@postern/sandbox';
import {
  need,
  needAwsProvider,
  needKube,
  postern,
  run,
  startKube,
  startPostern,
  temporaryDirectory,
  terraformEnvironment,
} from '@postern/testing';

const terraformOnly = ['network', 'registry', 'circleci', 'eks'];
const organisation = '6b376885-8f20-45b2-ba2f-c27c0919bc6d';

/** The folder as a user makes it: init, an issuer, a project. */
async function sandboxFolder(path: string): Promise<string> {
  const dir = join(path, 'play');
  assert.equal((await postern(['sandbox', 'init', dir, '--name', 'play'])).code, 0);
  const file = join(dir, 'sandbox.yaml');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(
      / {2}# ci:.*\n(?: {2}#.*\n)*/,
      `  ci:\n    - provider: circleci\n      organisation: ${organisation}\n`,
    ),
  );
  const added = await postern([
    'sandbox',
    'project',
    'add',
    'adapter',
    '--dir',
    dir,
    '--provider',
    'circleci',
    '--organisation',
    organisation,
    '--project',
    '0f2f1c5e-1111-4222-8333-444455556666',
    '--vcs-origin',
    'github.com/acme/adapter',
    '--tenant',
    'example',
  ]);
  assert.equal(added.code, 0, added.stderr);
  return dir;
}

describe('the environment', () => {
  it('generates 3 + 3 subnets of /24, one NAT gateway, immutable scanned repositories; twice byte-equal', async () => {
    using scratch = temporaryDirectory();
    const dir = await sandboxFolder(scratch.path);
    assert.match((await postern(['sandbox', 'generate', dir])).stdout, /6 written, 0 removed/);
    assert.match((await postern(['sandbox', 'generate', dir])).stdout, /^0 written, 0 removed, 6 unchanged/m);
    const stack = (name: string) =>
      JSON.parse(readFileSync(join(dir, `terraform/stacks/${name}/cdk.tf.json`), 'utf8')) as {
        resource: Record<string, Record<string, Record<string, unknown>>>;
      };
    const { resource } = stack('network');
    assert.deepEqual(
      Object.values(resource['aws_subnet']!)
        .map((subnet) => String(subnet['cidr_block']))
        .toSorted(),
      ['10.0.1.0/24', '10.0.101.0/24', '10.0.102.0/24', '10.0.103.0/24', '10.0.2.0/24', '10.0.3.0/24'],
    );
    assert.equal(Object.keys(resource['aws_nat_gateway']!).length, 1);
    const [repository] = Object.values(stack('registry').resource['aws_ecr_repository']!);
    assert.equal(repository?.['image_tag_mutability'], 'IMMUTABLE');
    assert.deepEqual(repository?.['image_scanning_configuration'], { scan_on_push: true });
    const roles = Object.values(stack('circleci').resource['aws_iam_role']!);
    assert.deepEqual(
      roles.map((role) => [role['name'], role['max_session_duration']]),
      [
        ['postern-play-adapter-push', 3600],
        ['postern-play-adapter-deploy', 3600],
      ],
    );
    const [cni] = Object.values(stack('eks').resource['aws_eks_addon']!).filter(
      (addon) => addon['addon_name'] === 'vpc-cni',
    );
    assert.match(String(cni?.['configuration_values']), /"enableNetworkPolicy":"true".*strict/);
    assert.doesNotMatch(JSON.stringify(stack('eks')), /system:masters/);
  });

  it('says that a region and a city contradict each other', async () => {
    using scratch = temporaryDirectory();
    const dir = await sandboxFolder(scratch.path);
    const file = join(dir, 'sandbox.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('region: eu-central-1', 'region: eu-west-1 ( Frankfurt )'));
    const result = await postern(['sandbox', 'validate', dir]);
    assert.equal(result.code, 2);
    assert.match(result.stderr, /sandbox\.yaml:8:11: spec\.region: eu-west-1 is Ireland; Frankfurt is eu-central-1/);
  });

  it('Terraform accepts every stack', { skip: need('terraform') || needAwsProvider() }, async () => {
    using scratch = temporaryDirectory();
    const dir = await sandboxFolder(scratch.path);
    assert.equal((await postern(['sandbox', 'generate', dir])).code, 0);
    const env = terraformEnvironment(scratch.path, { aws: 'real' });
    for (const name of ['network', 'registry', 'circleci', 'eks']) {
      const cwd = join(dir, 'terraform/stacks', name);
      const init = await run('terraform', ['init', '-backend=false', '-no-color'], { cwd, env });
      assert.equal(init.code, 0, init.stderr);
      const result = await run('terraform', ['validate', '-no-color'], { cwd, env });
      assert.equal(result.code, 0, `${name}: ${result.stdout}${result.stderr}`);
    }
  });

  it(
    'deploys every stack on the simulator, finds nothing to do again, destroys in reverse',
    { skip: need('terraform') || needAwsProvider() },
    async (t) => {
      using scratch = temporaryDirectory();
      await using simulator = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--quiet']);
      const [url] = await simulator.line(/http:\/\/127\.0\.0\.1:\d+/);
      const dir = await sandboxFolder(scratch.path);
      const env = {
        ...terraformEnvironment(scratch.path, { aws: 'real' }),
        AWS_ENDPOINT_URL: url,
        AWS_ACCESS_KEY_ID: '123456789012',
        AWS_SECRET_ACCESS_KEY: 'any',
        AWS_REGION: 'eu-central-1',
      };
      const early = await postern(['sandbox', 'deploy', dir, '--target', 'eks', '--auto-approve', '--quiet'], { env });
      assert.equal(early.code, 1);
      assert.match(early.stderr, /eks is built on network and circleci, which are not applied/);
      const unasked = await postern(['sandbox', 'deploy', dir, '--target', 'network', '--quiet'], { env });
      assert.equal(unasked.code, 2);

      // The last stack, kube, needs an API server that answers; the simulated cluster names it as its own.
      const missing = needKube();
      if (missing !== false) t.diagnostic(`kube is left out: ${missing}`);
      await using kube = missing === false ? await startKube() : undefined;
      if (kube !== undefined) {
        const told = await fetch(`${url}/_postern/kubernetes`, {
          method: 'PUT',
          body: JSON.stringify({ endpoint: kube.server }),
        });
        assert.equal(told.status, 200, await told.text());
      }
      const cluster = kube === undefined ? [] : ['--kubeconfig', kube.kubeconfig];
      const targets = kube === undefined ? terraformOnly.flatMap((name) => ['--target', name]) : [];
      const sandbox = async (verb: string, ...args: string[]): Promise<string[]> => {
        const done = await postern(['sandbox', verb, dir, ...args, ...cluster, '-o', 'json', '--quiet'], { env });
        assert.equal(done.code, 0, `${verb}: ${done.stdout}${done.stderr}`);
        return (JSON.parse(done.stdout) as Array<{ stack: string; action: string; summary: string }>).map(
          ({ stack, action, summary }) => `${stack} ${action}${action === 'planned' ? `: ${summary}` : ''}`,
        );
      };
      const all = [...terraformOnly, ...(kube === undefined ? [] : ['kube'])];
      assert.deepEqual(
        await sandbox('deploy', ...targets, '--auto-approve'),
        all.map((name) => `${name} applied`),
      );
      const tenants = (await (kube === undefined ? undefined : Cluster.open(kube)))?.list('v1', 'Namespace', {
        labels: 'postern.dev/tenant',
      });
      if (kube !== undefined)
        assert.deepEqual(
          (await tenants)?.map((one) => one.metadata.name),
          ['example'],
        );
      // A plan of every stack finds nothing to do.
      const verified = await postern(['sandbox', 'verify', dir, ...cluster, '-o', 'json', '--quiet'], { env });
      const verdicts = JSON.parse(verified.stdout) as Array<{ check: string; verdict: string; detail: string }>;
      assert.deepEqual(
        verdicts.filter(({ check }) => /^(stack|trust)/.test(check)).map(({ check, verdict }) => `${check} ${verdict}`),
        [...terraformOnly, 'kube']
          .map((name) => `stack ${name} ${all.includes(name) ? 'ok' : 'unknown'}`)
          .concat('trust adapter ok'),
        verified.stdout,
      );
      const before = [...all].toReversed();
      // Without a controller manager a namespace never ends, so that draining cannot either.
      const drains = kube?.controllerManager === true;
      assert.deepEqual(await sandbox('destroy', '--auto-approve', ...(drains ? [] : ['--skip-drain'])), [
        ...(drains ? [] : ['kube skipped']),
        ...before.filter((name) => drains || name !== 'kube').map((name) => `${name} destroyed`),
      ]);
      const left = (await (await fetch(`${url}/_postern/state`)).json()) as Record<string, unknown[]>;
      assert.deepEqual(
        Object.keys(left).filter((kind) => /^(eks|ecr|iam|vpc|subnet|nat)/.test(kind)),
        [],
      );
    },
  );

  it('imports a Terragrunt environment file', async () => {
    using scratch = temporaryDirectory();
    const file = join(scratch.path, 'env.hcl');
    writeFileSync(
      file,
      `locals {\n  aws_account_id = "123456789012"\n  environment = "dev"\n  aws_region = "eu-central-1" # Frankfurt\n  eks_version = "1.25"\n  org_id = "${organisation}"\n  projects = [{ name = "payments", project_id = "0f2f1c5e-1111-4222-8333-444455556666" }]\n}\n`,
    );
    const into = join(scratch.path, 'dev');
    const imported = await postern(['sandbox', 'import', file, '--dir', into]);
    assert.equal(imported.code, 1, 'something is to be filled in');
    assert.match(imported.stderr, /env\.hcl:5: warning: EKS 1\.25 is past standard support/);
    assert.match(imported.stderr, /does not say which repository it builds/);
    const valid = await postern(['sandbox', 'validate', into]);
    assert.equal(valid.code, 0, valid.stderr);
    assert.match(valid.stdout, /dev: valid; 1 tenants, 1 projects/);
    assert.equal((await postern(['sandbox', 'import', file, '--dir', into])).code, 2, 'nothing is written over');
    const cut = join(scratch.path, 'cut.hcl');
    writeFileSync(cut, readFileSync(file, 'utf8').slice(0, -3));
    const broken = await postern(['sandbox', 'import', cut, '--dir', join(scratch.path, 'broken')]);
    assert.equal(broken.code, 2);
    assert.match(broken.stderr, /cut\.hcl:\d+: error: /);
    assert.equal(existsSync(join(scratch.path, 'broken')), false, 'half an environment is not written');
  });
});
