/**
 * One run on one machine: tenant, project, pipeline, a release refused, waived, approved, deployed to a real API server,
 * quarantined by a later scan and rolled back; every step in the audit log.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Cluster } from '@postern/sandbox';
import { type Kube, needKube, postern, repositoryRoot, run, startKube, temporaryDirectory } from '@postern/testing';

const organisation = '6b376885-8f20-45b2-ba2f-c27c0919bc6d';
const one = `sha256:${'11'.repeat(32)}`;
const two = `sha256:${'22'.repeat(32)}`;
const bad = `sha256:${'99'.repeat(32)}`;
const shared = join(repositoryRoot, '../shared/data/scans/grype');

/** A real Grype report where the folder with them is, given today's date and our image; a small one from its schema elsewhere. */
function grype(real: string, digest: string, fallback: { id: string; score: number }): string {
  const file = join(shared, real);
  const report = (
    existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : {
          matches: [
            {
              vulnerability: {
                id: fallback.id,
                severity: fallback.score >= 9 ? 'Critical' : 'High',
                cvss: [{ version: '3.1', metrics: { baseScore: fallback.score } }],
              },
              artifact: { name: 'lib', version: '1' },
            },
          ],
          source: { type: 'image', target: {} },
          descriptor: {},
        }
  ) as { source: { target: Record<string, unknown> }; descriptor: Record<string, unknown> };
  report.source.target = {
    ...report.source.target,
    manifestDigest: digest,
    repoDigests: [`registry.example/rest-app@${digest}`],
  };
  report.descriptor['timestamp'] = new Date().toISOString();
  return JSON.stringify(report);
}

describe('a release from submission to rollback', { skip: needKube() }, () => {
  const scratch = temporaryDirectory();
  const dir = join(scratch.path, 'play');
  let kube: Kube;
  let admin: Cluster;
  let service: Server;

  const sandbox = async (...args: string[]) => {
    const done = await postern(['sandbox', ...args]);
    return { ...done, text: `${done.stdout}${done.stderr}` };
  };
  const release = (as: string, ...args: string[]) => sandbox('release', ...args, '--dir', dir, '--as', as);
  const onCluster = (as: string, ...args: string[]) => release(as, ...args, '--kubeconfig', kube.kubeconfig);
  const write = (name: string, text: string): string => {
    const path = join(scratch.path, name);
    writeFileSync(path, text);
    return path;
  };
  const runs = async (): Promise<string> => {
    const live = await admin.read({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'rest-app', namespace: 'example' },
    });
    return (
      (live?.['spec'] as { template: { spec: { containers: Array<{ image: string }> } } } | undefined)?.template.spec
        .containers[0]?.image ?? ''
    );
  };
  let tests: string;

  before(async () => {
    const { start } = (await import(join(repositoryRoot, 'examples/rest-app/server.mjs'))) as {
      start: (port: number, host: string) => Promise<Server>;
    };
    [kube, service] = await Promise.all([startKube(), start(0, '127.0.0.1')]);
    admin = await Cluster.open({ kubeconfig: kube.kubeconfig });
    tests = join(scratch.path, 'report.xml');
    const asked = await run(process.execPath, [
      join(repositoryRoot, 'examples/rest-app/test/api.mjs'),
      `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
      tests,
    ]);
    assert.equal(asked.code, 0, asked.stderr);
  });
  after(async () => {
    service?.close();
    await kube?.[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  it('folder, tenant, project and pipeline', async () => {
    assert.equal((await sandbox('init', dir, '--name', 'play')).code, 0);
    const file = join(dir, 'sandbox.yaml');
    const text = readFileSync(file, 'utf8').replace(
      / {2}# ci:.*\n(?: {2}#.*\n)*/,
      `  ci:\n    - provider: circleci\n      organisation: ${organisation}\n`,
    );
    writeFileSync(
      file,
      `${text}  releases:\n    admins: [ada@sandbox.example]\n    approvers: [grace@sandbox.example]\n`,
    );
    mkdirSync(join(dir, 'blocks'));
    for (const [name, manifests] of [
      ['rest-app', 'rest-app/manifests.yaml'],
      ['mysql', 'mysql/manifests.yaml'],
    ] as const)
      writeFileSync(
        join(dir, `blocks/${name}.yaml`),
        JSON.stringify({
          apiVersion: 'postern.dev/v1',
          kind: 'BuildingBlock',
          metadata: { name },
          spec: { tenant: 'example', namespace: 'example', manifests: join(repositoryRoot, 'examples', manifests) },
        }),
      );
    const added = await sandbox(
      'project',
      'add',
      'rest-app',
      '--dir',
      dir,
      '--provider',
      'circleci',
      '--organisation',
      organisation,
      '--project',
      '0f2f1c5e-1111-4222-8333-444455556666',
      '--vcs-origin',
      'github.com/acme/rest-app',
      '--tenant',
      'example',
    );
    assert.equal(added.code, 0, added.text);
    const pipeline = await sandbox('pipeline', 'generate', 'rest-app', '--dir', dir, '--into', scratch.path);
    assert.equal(pipeline.code, 0, pipeline.text);
    assert.match(readFileSync(join(scratch.path, '.circleci/config.yml'), 'utf8'), /session_duration: "1800"/);
    const applied = await sandbox(
      'tenant',
      'apply',
      '-f',
      join(dir, 'tenants'),
      '--kubeconfig',
      kube.kubeconfig,
      '--quiet',
    );
    assert.equal(applied.code, 0, applied.text);
  });

  it('submitted with a Critical finding: refused, and no waiver helps', async () => {
    const scan = write(
      'scan-bad.json',
      grype('many_vulns_with_epss_values.json', bad, { id: 'CVE-2022-48174', score: 9.8 }),
    );
    const submitted = await release(
      'dev@acme.example',
      'submit',
      '--block',
      'rest-app',
      '--image',
      `registry.example/rest-app@${bad}`,
      '--scan',
      scan,
      '--tests',
      tests,
    );
    assert.equal(submitted.code, 0, submitted.text);
    const pardon = write(
      'pardon.json',
      JSON.stringify({
        apiVersion: 'postern.dev/v1',
        kind: 'Waiver',
        metadata: { name: 'pardon' },
        spec: {
          statement: {
            vulnerability: { name: 'CVE-2022-48174' },
            status: 'not_affected',
            justification: 'vulnerable_code_not_present',
          },
          owner: 'carol@acme.example',
          approver: 'grace@sandbox.example',
          reason: 'Nobody calls it.',
          scope: { images: [`registry.example/rest-app@${bad}`] },
          expiry: new Date(Date.now() + 86_400_000).toISOString(),
        },
      }),
    );
    const refused = await release('dev@acme.example', 'evaluate', 'rest-app-1', '--waivers', pardon);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /rest-app-1: blocked\n {2}vulnerability-critical: .*CVE-2022-48174/);
    const stays = /a release that is blocked cannot be (approved|deployed)/;
    assert.match((await release('ada@sandbox.example', 'approve', 'rest-app-1')).stderr, stays);
    assert.match((await onCluster('ada@sandbox.example', 'deploy', 'rest-app-1')).stderr, stays);
    assert.equal(await runs(), '', 'nothing was installed');
  });

  it('the repaired image, and not passed: a High finding nobody has analysed', async () => {
    const scan = write('scan-1.json', grype('fix_available.json', one, { id: 'CVE-2009-3882', score: 7.5 }));
    const submitted = await release(
      'dev@acme.example',
      'submit',
      '--block',
      'rest-app',
      '--image',
      `registry.example/rest-app@${one}`,
      '--scan',
      scan,
      '--tests',
      tests,
    );
    assert.equal(submitted.code, 0, submitted.text);
    const evaluated = await release('dev@acme.example', 'evaluate', 'rest-app-2');
    assert.equal(evaluated.code, 1);
    assert.match(evaluated.stdout, /rest-app-2: needs-analysis\n {2}vulnerability-high: .*CVE-2009-3882/);
    assert.match(
      (await release('ada@sandbox.example', 'approve', 'rest-app-2')).stderr,
      /a release that is needs-analysis cannot be approved/,
    );
  });

  it('waived by somebody entitled, and not by the one who wants it', async () => {
    const waiver = (approver: string): string =>
      JSON.stringify({
        apiVersion: 'postern.dev/v1',
        kind: 'Waiver',
        metadata: { name: 'no-applets' },
        spec: {
          statement: {
            vulnerability: { name: 'CVE-2009-3882' },
            status: 'not_affected',
            justification: 'vulnerable_code_not_in_execute_path',
          },
          owner: 'carol@acme.example',
          approver,
          reason: 'The service runs no applets.',
          scope: { images: [`registry.example/rest-app@${one}`] },
          expiry: new Date(Date.now() + 86_400_000).toISOString(),
        },
      });
    for (const [approver, why] of [
      ['dev@acme.example', /submitted the release/],
      ['mallory@acme.example', /neither admin nor approver/],
    ] as const) {
      const refused = await release(
        'dev@acme.example',
        'evaluate',
        'rest-app-2',
        '--waivers',
        write('own.json', waiver(approver)),
      );
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, why);
    }
    mkdirSync(join(dir, 'waivers'));
    writeFileSync(join(dir, 'waivers/no-applets.json'), waiver('grace@sandbox.example'));
    const passed = await release('dev@acme.example', 'evaluate', 'rest-app-2');
    assert.equal(passed.code, 0, passed.text);
    assert.match(passed.stdout, /rest-app-2: ready/);
  });

  it('approved and deployed by an admin, and by nobody else', async () => {
    assert.match((await release('dev@acme.example', 'approve', 'rest-app-2')).stderr, /no admin/);
    assert.match(
      (await onCluster('ada@sandbox.example', 'deploy', 'rest-app-2', '--no-wait')).stderr,
      /a release that is ready cannot be deployed/,
    );
    assert.equal((await release('ada@sandbox.example', 'approve', 'rest-app-2')).code, 0);
    assert.match((await onCluster('dev@acme.example', 'deploy', 'rest-app-2', '--no-wait')).stderr, /no admin/);
    // No kubelet here: nothing becomes available, so nothing is waited for.
    const deployed = await onCluster('ada@sandbox.example', 'deploy', 'rest-app-2', '--no-wait', '--quiet');
    assert.equal(deployed.code, 0, deployed.text);
    assert.equal(await runs(), `registry.example/rest-app@${one}`);
  });

  it('a second release takes its place; the document’s MySQL goes the same way', async () => {
    const clean = (digest: string, name: string) =>
      JSON.stringify({
        SchemaVersion: 2,
        CreatedAt: new Date().toISOString(),
        ArtifactName: name,
        Metadata: { RepoDigests: [`${name}@${digest}`] },
        Results: [{ Target: 'debian', Class: 'os-pkgs', Type: 'debian' }],
      });
    for (const [block, image, name] of [
      ['rest-app', `registry.example/rest-app@${two}`, 'rest-app-3'],
      ['mysql', `docker.io/library/mysql@${one}`, 'mysql-1'],
    ] as const) {
      const scan = write(`${name}.json`, clean(image.split('@')[1]!, image.split('@')[0]!));
      assert.equal(
        (
          await release(
            'dev@acme.example',
            'submit',
            '--block',
            block,
            '--image',
            image,
            '--scan',
            scan,
            '--tests',
            tests,
          )
        ).code,
        0,
      );
      assert.equal((await release('dev@acme.example', 'evaluate', name)).code, 0);
      assert.equal((await release('ada@sandbox.example', 'approve', name)).code, 0);
      const deployed = await onCluster('ada@sandbox.example', 'deploy', name, '--no-wait', '--quiet');
      assert.equal(deployed.code, 0, deployed.text);
    }
    assert.equal(await runs(), `registry.example/rest-app@${two}`);
  });

  it('a later scan quarantines it: no new pod is admitted', async () => {
    const later = write(
      'later.json',
      grype('many_vulns_with_epss_values.json', two, { id: 'CVE-2022-48174', score: 9.8 }),
    );
    const evaluated = await onCluster('scanner@sandbox.example', 'evaluate', 'rest-app-3', '--scan', later);
    assert.equal(evaluated.code, 1);
    assert.match(evaluated.stdout, /rest-app-3: quarantined\n {2}vulnerability-critical: .*CVE-2022-48174/);
    const list = await admin.read({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'approved-images-example', namespace: 'postern-system' },
    });
    assert.deepEqual(Object.keys(list?.['data'] as object).toSorted(), [one.replace(':', '.')]);
  });

  it('rolled back to what ran before', async () => {
    const rolled = await onCluster('ada@sandbox.example', 'rollback', 'rest-app', '--no-wait', '--quiet');
    assert.equal(rolled.code, 0, rolled.text);
    assert.equal(await runs(), `registry.example/rest-app@${one}`);
    assert.match(
      (await release('ada@sandbox.example', 'status')).stdout,
      /rest-app-2 +rest-app +example +deployed[^]*rest-app-3 +rest-app +example +quarantined/,
    );
  });

  it('every step is in the audit log', async () => {
    const { stdout } = await release('ada@sandbox.example', 'status', '--log', '-o', 'json');
    const log = JSON.parse(stdout) as Array<{
      actor: string;
      action: string;
      release: string;
      detail: { to?: string };
    }>;
    assert.deepEqual(
      log
        .filter((entry) => entry.release.startsWith('rest-app'))
        .map((entry) =>
          `${entry.actor.split('@')[0]} ${entry.action} ${entry.release} ${entry.detail.to ?? ''}`.trim(),
        ),
      [
        'dev submit rest-app-1',
        'dev evaluate rest-app-1 blocked',
        'dev submit rest-app-2',
        'dev evaluate rest-app-2 needs-analysis',
        'dev evaluate rest-app-2 needs-analysis',
        'dev evaluate rest-app-2 needs-analysis',
        'dev evaluate rest-app-2 ready',
        'ada approve rest-app-2 approved',
        'ada deploy rest-app-2 deploying',
        'ada deployed rest-app-2 deployed',
        'dev submit rest-app-3',
        'dev evaluate rest-app-3 ready',
        'ada approve rest-app-3 approved',
        'ada deploy rest-app-3 deploying',
        'ada supersede rest-app-2 superseded',
        'ada deployed rest-app-3 deployed',
        'scanner evaluate rest-app-3 quarantined',
        'ada roll-back rest-app-3 quarantined',
        'ada restore rest-app-2 deploying',
        'ada deployed rest-app-2 deployed',
      ],
    );
  });
});
