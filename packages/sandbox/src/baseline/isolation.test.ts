/** Random tenants: their manifests never let two of them meet, except where a grant in force says so. Judged by the evaluator, not by the generator. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type End, type Policy, type World, allowed, selects } from '../reach/evaluate.ts';
import { checkPolicies } from './check.ts';
import type { Manifest } from './labels.ts';
import { tenantManifests } from './manifests.ts';
import { type Tenant, tenantSchema, toTenant } from './tenant.ts';
import { parseCidr, type Cidr } from '@postern/core';

const nowMs = Date.UTC(2026, 10, 21);
const all = { cidr: parseCidr('0.0.0.0/0') as Cidr, ports: [443] };

const ends = fc.record({
  from: fc.nat(4),
  to: fc.nat(4),
  port: fc.constantFrom(80, 8443),
  hours: fc.constantFrom(-1, 1),
  pod: fc.boolean(),
});

/** Up to five tenants with one to three namespaces each, and grants among them, some expired, some for one pod only. */
const tenantsArbitrary = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 5 }),
    grants: fc.array(ends, { maxLength: 6 }),
    internet: fc.boolean(),
  })
  .map(({ sizes, grants, internet }): Tenant[] =>
    sizes.map((size, i) => ({
      name: `t${i}`,
      organisation: `org ${i}`,
      businessCases: [],
      namespaces: Array.from({ length: size }, (_, n) => `t${i}-${n}`),
      quotaClass: 'small',
      podSecurity: 'baseline',
      egress: internet ? [all] : [],
      ingressFrom: [],
      grants: grants
        .filter((g) => g.from === i && g.to !== i && g.to < sizes.length)
        .map((g) => ({
          from: `t${g.from}`,
          to: `t${g.to}`,
          port: g.port,
          approver: 'x',
          expiry: nowMs + g.hours * 3_600_000,
          ...(g.pod ? { podLabels: { app: 'api' } } : {}),
        })),
    })),
  );

function worldOf(manifests: readonly Manifest[]): World {
  const spaces = manifests.filter((m) => m.kind === 'Namespace');
  return {
    policies: manifests.filter((m) => m.kind === 'NetworkPolicy') as unknown as Policy[],
    namespaces: Object.fromEntries(spaces.map((m) => [m.metadata.name, m.metadata.labels ?? {}])),
  };
}

const pod = (namespace: string, n: number, app = 'web'): End & { kind: 'pod' } => ({
  kind: 'pod',
  namespace,
  labels: { app },
  ip: `10.0.0.${n}`,
});

test('two tenants never meet, except by a grant in force and on its port', () => {
  fc.assert(
    fc.property(tenantsArbitrary, (tenants) => {
      const manifests = tenants.flatMap((tenant) => tenantManifests(tenant, tenants, nowMs));
      assert.deepEqual(checkPolicies(manifests), []);
      const world = worldOf(manifests);
      const grants = tenants.flatMap((tenant) => tenant.grants).filter((grant) => grant.expiry > nowMs);
      for (const from of tenants)
        for (const to of tenants)
          for (const [source, target] of [[from.namespaces[0]!, to.namespaces.at(-1)!]] as const)
            for (const port of [80, 8443, 22])
              for (const app of ['web', 'api']) {
                const granted = grants.some(
                  (g) =>
                    g.from === from.name &&
                    g.to === to.name &&
                    g.port === port &&
                    (g.podLabels === undefined || app === 'api'),
                );
                const expected = from === to || granted;
                const connection = { from: pod(source, 1), to: pod(target, 2, app), port, protocol: 'TCP' };
                assert.equal(allowed(world, connection), expected, `${source} -> ${target}:${port} ${app}`);
                assert.equal(allowed(world, { ...connection, protocol: 'UDP' }), from === to);
              }
    }),
    { numRuns: 60 },
  );
});

test('no selector of one tenant’s policies selects another tenant’s namespaces, but for grants', () => {
  fc.assert(
    fc.property(tenantsArbitrary, (tenants) => {
      const manifests = tenants.flatMap((tenant) => tenantManifests(tenant, tenants, nowMs));
      const world = worldOf(manifests);
      for (const { metadata, spec } of world.policies) {
        if (metadata.name.startsWith('postern-grant-')) continue;
        const owner = world.namespaces[metadata.namespace]!['postern.dev/tenant'];
        for (const peer of [...(spec.ingress ?? []), ...(spec.egress ?? [])].flatMap((rule) => [
          ...(rule.from ?? []),
          ...(rule.to ?? []),
        ]))
          for (const [name, labels] of Object.entries(world.namespaces))
            if (
              peer.namespaceSelector !== undefined &&
              selects(peer.namespaceSelector, { ...labels, 'kubernetes.io/metadata.name': name })
            )
              assert.equal(
                labels['postern.dev/tenant'],
                owner,
                `${metadata.namespace}/${metadata.name} selects ${name}`,
              );
      }
    }),
    { numRuns: 60 },
  );
});

test('DNS over UDP and TCP; no metadata service, no node, and no Internet unless asked', () => {
  fc.assert(
    fc.property(tenantsArbitrary, (tenants) => {
      const world = worldOf(tenants.flatMap((tenant) => tenantManifests(tenant, tenants, nowMs)));
      for (const tenant of tenants) {
        const from = pod(tenant.namespaces[0]!, 1);
        const dns: End = { kind: 'pod', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, ip: '10.0.0.53' };
        const other: End = { kind: 'pod', namespace: 'kube-system', labels: { app: 'controller' }, ip: '10.0.0.54' };
        const reaches = (to: End, port: number, protocol = 'TCP'): boolean =>
          allowed(world, { from, to, port, protocol });
        assert.ok(reaches(dns, 53, 'UDP') && reaches(dns, 53, 'TCP'));
        assert.ok(!reaches(dns, 9153) && !reaches(other, 53));
        for (const ip of ['169.254.169.254', '10.0.0.9', '172.16.3.4', '192.168.1.1', '100.64.0.1', '127.0.0.1'])
          assert.ok(!reaches({ kind: 'address', ip }, 443) && !reaches({ kind: 'address', ip }, 80), ip);
        assert.equal(reaches({ kind: 'address', ip: '203.0.113.7' }, 443), tenant.egress.length > 0);
        assert.ok(!reaches({ kind: 'address', ip: '203.0.113.7' }, 25));
        assert.ok(
          !allowed(world, { from: { kind: 'address', ip: '203.0.113.7' }, to: from, port: 80, protocol: 'TCP' }),
        );
        assert.ok(
          !allowed(world, { from: other, to: from, port: 80, protocol: 'TCP' }),
          'not even the cluster’s own pods',
        );
      }
    }),
    { numRuns: 30 },
  );
});

test('the same tenants give the same bytes', () => {
  fc.assert(
    fc.property(tenantsArbitrary, (tenants) => {
      const text = (list: readonly Tenant[]): string =>
        JSON.stringify(tenants.map((tenant) => tenantManifests(tenant, list, nowMs)));
      assert.equal(text(tenants), text([...tenants].toReversed()));
    }),
    { numRuns: 20 },
  );
});

test('policies that isolate nothing are found', () => {
  const policy = (spec: unknown): Manifest => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'p', namespace: 'n' },
    spec,
  });
  const problems = (spec: Record<string, unknown>): string =>
    checkPolicies([policy({ policyTypes: ['Ingress'], ...spec })])
      .map((p) => p.message)
      .join();
  assert.match(problems({ ingress: [{}] }), /empty and allows everything/);
  assert.match(problems({ ingress: [{ ports: [{ port: 80 }] }] }), /names no from/);
  assert.match(problems({ ingress: [{ from: [{}] }] }), /is empty/);
  assert.match(problems({ ingress: [{ from: [{ namespaceSelector: {} }] }] }), /selects every namespace/);
  assert.match(
    problems({ ingress: [{ from: [{ namespaceSelector: { matchLabels: { name: 'backend' } } }] }] }),
    /selects nothing: no namespace has name=backend/,
  );
  assert.match(problems({ egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] }), /every address/);
  assert.equal(problems({ ingress: [{ from: [{ podSelector: {} }] }] }), '');
  assert.match(
    checkPolicies([policy({ policyTypes: ['Ingress'] }), policy({ policyTypes: ['Ingress'] })])[0]!.message,
    /written twice/,
  );
  assert.match(problems({ policyTypes: [] }), /policyTypes/);
});

test('what a Tenant document may not say', () => {
  const refuses = (spec: Record<string, unknown>): string => {
    const result = tenantSchema.safeParse({
      apiVersion: 'postern.dev/v1',
      kind: 'Tenant',
      metadata: { name: 'acme' },
      spec: { organisation: 'Acme', namespaces: ['acme'], ...spec },
    });
    return result.success
      ? ''
      : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  };
  assert.equal(refuses({}), '');
  assert.match(refuses({ namespaces: ['kube-system'] }), /belongs to the cluster/);
  assert.match(refuses({ namespaces: ['a', 'a'] }), /twice/);
  assert.match(refuses({ egress: [{ cidr: '169.254.169.254/32', ports: [80] }] }), /metadata service/);
  assert.match(refuses({ egress: [{ cidr: '128.0.0.0/1', ports: [80] }] }), /metadata service/);
  assert.equal(
    refuses({ egress: [{ cidr: '0.0.0.0/0', ports: [443] }] }),
    '',
    'the Internet is written with its exceptions',
  );
  assert.match(refuses({ podSecurity: 'privileged' }), /podSecurity/);
  assert.match(
    refuses({ grants: [{ from: 'x', to: 'y', port: 1, approver: 'a', expiry: '2027-01-01' }] }),
    /neither from nor to is acme/,
  );
  assert.match(
    refuses({ grants: [{ from: 'acme', to: 'acme', port: 1, approver: 'a', expiry: '2027-01-01' }] }),
    /same tenant/,
  );
  assert.match(
    refuses({ grants: [{ from: 'acme', to: 'y', port: 1, expiry: 'never' }] }),
    /approver.*expiry|expiry.*approver/,
  );
  const parsed = tenantSchema.parse({
    apiVersion: 'postern.dev/v1',
    kind: 'Tenant',
    metadata: { name: 'acme' },
    spec: { organisation: 'Acme', namespaces: ['acme'] },
  });
  assert.deepEqual([toTenant(parsed).quotaClass, toTenant(parsed).podSecurity], ['small', 'baseline']);
});
