/** The address plan, Terragrunt files, pipelines, aws-auth: the planners that need no cloud. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { compareMappings, readAwsAuth } from './access.ts';
import { contradiction } from './aws-regions.ts';
import { parseLocals } from './hcl.ts';
import { importEnv } from './import-env.ts';
import { planNetwork } from './network.ts';
import { pipeline } from './pipeline.ts';
import type { Project } from './project.ts';
import { type AwsSpec, sandboxSchema } from './sandbox.ts';
import { destroyOrder, stackNames, upstream } from '../stacks/names.ts';

function spec(network: Record<string, unknown> = {}, group: Record<string, unknown> = {}): AwsSpec {
  const { spec } = sandboxSchema.parse({
    apiVersion: 'postern.dev/v1',
    kind: 'Sandbox',
    metadata: { name: 'x' },
    spec: {
      provider: 'aws',
      region: 'eu-central-1',
      account: '123456789012',
      network: { vpcCIDR: '10.0.0.0/16', ...network },
      nodeGroups: [{ name: 'default', instanceTypes: ['t3a.medium'], min: 1, max: 4, desired: 2, ...group }],
    },
  });
  return spec as AwsSpec;
}
const errors = (of: AwsSpec): string =>
  planNetwork(of)
    .problems.filter((p) => p.severity === 'error')
    .map((p) => p.message)
    .join('; ');

test('the document’s plan: private 1-3, public 101-103, each a /24', () => {
  const { plan } = planNetwork(spec());
  assert.deepEqual(plan.privateSubnets, ['10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24']);
  assert.deepEqual(plan.publicSubnets, ['10.0.101.0/24', '10.0.102.0/24', '10.0.103.0/24']);
  assert.deepEqual(plan.zones, ['eu-central-1a', 'eu-central-1b', 'eu-central-1c']);
});

test('any plan that is accepted lies inside its network and overlaps nowhere', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 16, max: 28 }),
      fc.integer({ min: 18, max: 27 }),
      fc.nat(255),
      (prefix, subnetPrefix, b) => {
        const of = spec({ vpcCIDR: `10.${b}.0.0/${prefix}`, subnetPrefix });
        const { plan, problems } = planNetwork(of);
        if (problems.some((p) => p.severity === 'error' && /holds/.test(p.message))) return;
        const ranges = [...plan.privateSubnets, ...plan.publicSubnets].map((text) => {
          const [ip, bits] = text.split('/') as [string, string];
          const start = ip.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
          return [start, start + 2 ** (32 - Number(bits))] as const;
        });
        const base = 10 * 2 ** 24 + b * 2 ** 16;
        for (const [i, [start, end]] of ranges.entries()) {
          assert.ok(start >= base && end <= base + 2 ** (32 - prefix));
          for (const [other, otherEnd] of ranges.slice(0, i)) assert.ok(end <= other || start >= otherEnd);
        }
      },
    ),
  );
});

test('pods must fit into the private subnets', () => {
  assert.equal(errors(spec()), '');
  assert.match(
    errors(spec({}, { instanceTypes: ['m5.2xlarge'], desired: 20, max: 40 })),
    /have 753 addresses.*take 1200/,
  );
  assert.equal(errors(spec({ prefixDelegation: true }, { instanceTypes: ['m5.2xlarge'], desired: 20, max: 40 })), '');
  assert.equal(errors(spec({ subnetPrefix: 20 }, { instanceTypes: ['m5.2xlarge'], desired: 20, max: 40 })), '');
  assert.match(errors(spec({ vpcCIDR: '10.0.0.0/24' })), /holds 1 networks of \/24; six are needed/);
  assert.match(
    errors(
      spec({
        privateSubnets: ['10.0.1.0/24', '10.0.1.0/25', '10.1.0.0/24'],
        publicSubnets: ['10.0.4.0/24', '10.0.5.0/24', '10.0.6.0/24'],
      }),
    ),
    /overlaps.*not inside|not inside.*overlaps/,
  );
});

test('a region and a city that contradict each other', () => {
  assert.match(contradiction('eu-west-1', ' Frankfurt ')!, /eu-west-1 is Ireland; Frankfurt is eu-central-1/);
  assert.equal(contradiction('eu-central-1', 'frankfurt'), undefined);
  assert.equal(contradiction('eu-central-1', 'Atlantis'), undefined);
});

test('stacks: what is built on what, and back', () => {
  assert.deepEqual(upstream('kube'), ['network', 'circleci', 'eks']);
  assert.deepEqual(destroyOrder(stackNames), ['kube', 'eks', 'circleci', 'registry', 'network']);
});

test('env.hcl: literals, lists, objects, references, comments; what is no literal is reported', () => {
  const { values, problems } = parseLocals(
    '# c\nlocals {\n a = "x" // c\n b = ["1", 2,\n  true,]\n c = { k = "v", "q" = null }\n d = "${local.a}-y"\n e = merge({}, {})\n /* c */ f = 3.5\n}\ninputs = { x = "y" }\nterraform {\n source = "../x"\n}\n',
  );
  assert.deepEqual(Object.fromEntries(values), { a: 'x', b: ['1', 2, true], c: { k: 'v', q: null }, d: 'x-y', f: 3.5 });
  assert.deepEqual(
    problems.map((p) => [p.line, p.message]),
    [[8, 'e: merge is not a literal']],
  );
});

test('no text makes the HCL reader or the import throw or hang', () => {
  fc.assert(
    fc.property(
      fc
        .array(
          fc.constantFrom(
            'locals',
            '{',
            '}',
            '=',
            '"',
            '[',
            ']',
            ',',
            '\n',
            'a',
            '1',
            '${local.a}',
            '#',
            '/*',
            'org_id',
            'projects',
            ' ',
          ),
          { maxLength: 40 },
        )
        .map((parts) => parts.join('')),
      (text) => {
        importEnv(text);
        importEnv(`locals {\n${text}`);
      },
    ),
    { numRuns: 500 },
  );
});

const project: Project = {
  name: 'adapter',
  provider: 'circleci',
  organisation: 'o',
  project: 'p',
  vcsOrigin: 'github.com/acme/app',
  tenant: 't',
  refs: ['refs/heads/main'],
  repositories: ['bb/app'],
};
const target = { account: '123456789012', region: 'eu-central-1', cluster: 'play' };

test('CircleCI: builds of other branches carry no context and no role', () => {
  const config = parse(pipeline({ sandbox: 'play', project, target }).text) as {
    jobs: Record<string, { steps: unknown[] }>;
    workflows: { sandbox: { jobs: Array<string | Record<string, Record<string, unknown>>> } };
  };
  assert.doesNotMatch(JSON.stringify(config.jobs['build']), /role_arn|context/);
  assert.deepEqual(config.workflows.sandbox.jobs, [
    'build',
    { 'push-and-submit': { requires: ['build'], context: ['play'], filters: { branches: { only: ['main'] } } } },
  ]);
  assert.match(JSON.stringify(config.jobs['push-and-submit']), /"session_duration":"1800"/);
});

test('GitHub: the token is asked for in the one job that may, and nowhere else', () => {
  const hub: Project = {
    name: 'adapter',
    provider: 'github',
    organisation: 'acme',
    project: 'app',
    tenant: 't',
    refs: ['refs/heads/main'],
    repositories: ['bb/app'],
  };
  const workflow = parse(pipeline({ sandbox: 'play', project: hub, target }).text) as {
    permissions: unknown;
    on: Record<string, unknown>;
    jobs: Record<string, { permissions?: Record<string, string>; if?: string }>;
  };
  assert.deepEqual(workflow.permissions, { contents: 'read' });
  assert.equal(workflow.jobs['build']?.permissions, undefined);
  assert.equal(workflow.jobs['push-and-submit']?.permissions?.['id-token'], 'write');
  assert.equal(
    workflow.jobs['push-and-submit']?.if,
    "github.event_name == 'push' && (github.ref == 'refs/heads/main')",
  );
  assert.ok(!('pull_request_target' in workflow.on));
});

test('aws-auth: system:masters and shared names are called out, what is missing too', () => {
  const live = readAwsAuth({
    mapRoles:
      '- rolearn: arn:aws:iam::1:role/ci\n  username: system:node:ci\n  groups: [system:masters]\n- rolearn: arn:aws:iam::1:role/vendor\n  username: system:node:ci\n  groups: [system:masters]\n',
  });
  const findings = compareMappings(
    [
      { principal: 'arn:aws:iam::1:role/ci', username: 'ci:x', groups: ['tenant:t:deployer'] },
      { principal: 'arn:aws:iam::1:role/new', username: 'ci:y', groups: [] },
    ],
    live,
  );
  assert.deepEqual(
    findings.map((f) => f.state),
    ['differs', 'missing', 'unknown'],
  );
  assert.match(
    findings[0]!.problems.join('; '),
    /system:masters.*as the cluster’s own parts are.*shares the user name/,
  );
});
