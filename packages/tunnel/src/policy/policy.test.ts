/** The policy against a naive oracle, and its file format. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConfigError,
  type Destination,
  destinationMatches,
  type Host,
  loadDocument,
  parseDestination,
  parseHost,
} from '@postern/core';
import * as fc from 'fast-check';
import { compilePolicy, decide, type Policy, policySchema } from './index.ts';

function destination(text: string): Destination {
  const parsed = parseDestination(text);
  assert.ok(!('reason' in parsed), text);
  return parsed;
}

function host(text: string): Host {
  const parsed = parseHost(text);
  assert.ok(parsed.kind !== 'invalid', text);
  return parsed;
}

// Few values, so that matches and near misses are frequent.
const hosts = [
  'gitlab.corp.example',
  'corp.example',
  'a.b.corp.example',
  'xcorp.example',
  'example',
  '10.1.2.3',
  '10.2.0.1',
  '2001:db8::1',
  '::1',
];
const patterns = [
  'gitlab.corp.example',
  '*.corp.example',
  '*.example',
  '*.b.corp.example',
  '10.1.2.3',
  '10.0.0.0/8',
  '10.1.0.0/16',
  '0.0.0.0/0',
  '[2001:db8::1]',
  '[2001:db8::/32]',
  '[::/0]',
  '10.1.2.3/32',
];
const ports = ['443', '22', '400-500', '*', '1-22', '65535'];
const people = ['a@x.example', 'b@x.example', 'A@x.example', 'c@x.example'];

const anyDestination = fc
  .tuple(fc.constantFrom(...patterns), fc.constantFrom(...ports))
  .map(([p, port]) => destination(`${p}:${port}`));
const anyPolicy: fc.Arbitrary<Policy> = fc
  .array(
    fc.record({
      clients: fc.subarray(people),
      agents: fc.subarray(people),
      destinations: fc.array(anyDestination, { maxLength: 4 }),
    }),
    { maxLength: 30 },
  )
  .map((rules) => ({
    apiVersion: 'postern.dev/v1',
    kind: 'TunnelPolicy',
    rules: rules.map((rule, i) => ({ name: `rule-${i}`, ...rule })),
  }));
const anyRequest = fc.record({
  client: fc.constantFrom(...people, 'nobody@x.example'),
  host: fc.constantFrom(...hosts).map(host),
  port: fc.constantFrom(1, 22, 23, 443, 500, 501, 65535),
});

function oracle(policy: Policy, request: { client: string; host: Host; port: number }) {
  return policy.rules
    .filter((rule) => rule.clients.includes(request.client))
    .filter((rule) => rule.destinations.some((d) => destinationMatches(d, request.host, request.port)))
    .map((rule) => ({ rule: rule.name, agents: rule.agents }));
}

describe('decide', () => {
  test('agrees with reading every rule', () => {
    fc.assert(
      fc.property(anyPolicy, fc.array(anyRequest, { minLength: 1, maxLength: 10 }), (policy, requests) => {
        const compiled = compilePolicy(policy);
        for (const request of requests) {
          assert.deepEqual(decide(compiled, request), oracle(policy, request));
          assert.deepEqual(decide(policy, request), oracle(policy, request));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a name never matches a network, whatever it may resolve to', () => {
    const policy = rules([
      { clients: ['a@x.example'], agents: ['b@x.example'], destinations: ['0.0.0.0/0:*', '[::/0]:*'] },
    ]);
    assert.deepEqual(decide(policy, { client: 'a@x.example', host: host('gitlab.corp.example'), port: 443 }), []);
    assert.equal(decide(policy, { client: 'a@x.example', host: host('10.1.2.3'), port: 443 }).length, 1);
  });

  test('identities are opaque: case and separators make another one', () => {
    const policy = rules([{ clients: ['a@x.example'], agents: [], destinations: ['*.example:443'] }]);
    for (const client of ['A@x.example', 'a@X.example', ' a@x.example', 'a@x.example,b@x.example', ''])
      assert.deepEqual(decide(policy, { client, host: host('x.example'), port: 443 }), []);
  });

  test('stays fast with 100,000 rules, spread or all about one host', () => {
    const spread = rules(
      Array.from({ length: 100_000 }, (_, i) => ({
        clients: [`c${i % 1000}@x.example`],
        agents: ['a@x.example'],
        destinations: [`h${i}.corp.example:443`],
      })),
    );
    const oneHost = rules(
      Array.from({ length: 100_000 }, (_, i) => ({
        clients: [`c${i}@x.example`],
        agents: ['a@x.example'],
        destinations: ['git.corp.example:443'],
      })),
    );
    for (const [policy, client, name] of [
      [spread, 'c7@x.example', 'h5007.corp.example'],
      [oneHost, 'c70000@x.example', 'git.corp.example'],
    ] as const) {
      const compiled = compilePolicy(policy);
      const started = performance.now();
      for (let i = 0; i < 1000; i++) assert.equal(decide(compiled, { client, host: host(name), port: 443 }).length, 1);
      assert.ok(performance.now() - started < 1000, `a decision took ${performance.now() - started} us`);
    }
  });
});

describe('policy.yaml', () => {
  test('the example of the guide loads', () => {
    const policy = load(`apiVersion: postern.dev/v1
kind: TunnelPolicy
rules:
  - name: gitserver-to-gitlab
    clients: [gitserver@acme.example]
    agents: [dc1@acme.example]
    destinations: ["gitlab.internal.acme.example:443", "*.corp.acme.example:22", "10.1.0.0/16:8000-8999"]
`);
    assert.deepEqual(decide(policy, { client: 'gitserver@acme.example', host: host('10.1.2.3'), port: 8080 }), [
      { rule: 'gitserver-to-gitlab', agents: ['dc1@acme.example'] },
    ]);
  });

  test('every problem at once, with its place', () => {
    const problems = refused(`apiVersion: postern.dev/v1
kind: TunnelPolicy
rules:
  - name: one
    clients: [not an identity]
    agents: ["a@x.example,b@x.example"]
    destinations: ["gitlab:443", "10.1.2.3/8:443", "git*:443"]
  - name: one
    clients: []
    agents: []
    destination: []
extra: 1
`);
    const places = problems.map((d) => `${d.line}:${d.col} ${d.path}`);
    assert.deepEqual(places, [
      '5:15 rules[0].clients[0]',
      '6:14 rules[0].agents[0]',
      '7:34 rules[0].destinations[1]',
      '7:52 rules[0].destinations[2]',
      '8:5 rules[1].destinations',
      '8:11 rules[1].name',
      '11:5 rules[1].destination',
      '12:1 extra',
    ]);
    assert.match(problems.at(-2)!.message, /did you mean destinations/);
  });

  test('no rules and an empty list are the same wish, an absent list is a slip', () => {
    assert.deepEqual(load('apiVersion: postern.dev/v1\nkind: TunnelPolicy\nrules: []\n').rules, []);
    assert.equal(refused('apiVersion: postern.dev/v1\nkind: TunnelPolicy\n')[0]!.path, 'rules');
    assert.equal(refused('apiVersion: postern.dev/v1\nkind: TunnelPolicy\nrules:\n')[0]!.path, 'rules');
  });
});

function load(text: string): Policy {
  return loadDocument('policy.yaml', text, policySchema);
}

function refused(text: string) {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.diagnostics;
    throw error;
  }
  return assert.fail('was accepted');
}

function rules(list: ReadonlyArray<{ clients: string[]; agents: string[]; destinations: string[] }>): Policy {
  return {
    apiVersion: 'postern.dev/v1',
    kind: 'TunnelPolicy',
    rules: list.map((rule, i) => ({ ...rule, name: `rule-${i}`, destinations: rule.destinations.map(destination) })),
  };
}
