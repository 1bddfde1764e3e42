/**
 * The evaluator against the cases of Kubernetes' own NetworkPolicy suite (test/e2e/network/netpol): three namespaces x, y, z with
 * pods a, b, c each serving 80 and 81, and for every policy the full table of who reaches whom.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Connection, type End, type Peer, type Policy, type Rule, type World, allowed } from './evaluate.ts';

const names = ['x', 'y', 'z'].flatMap((namespace) => ['a', 'b', 'c'].map((pod) => `${namespace}/${pod}`));

function end(name: string, more: Readonly<Record<string, string>> = {}): End & { kind: 'pod' } {
  const [namespace, pod] = name.split('/') as [string, string];
  return {
    kind: 'pod',
    namespace,
    labels: { pod, ...more },
    ip: `10.${namespace.charCodeAt(0)}.0.${pod.charCodeAt(0)}`,
    namedPorts: {
      'serve-80-tcp': { port: 80, protocol: 'TCP' },
      'serve-81-tcp': { port: 81, protocol: 'TCP' },
      'serve-80-udp': { port: 80, protocol: 'UDP' },
    },
  };
}

const ns = (name: string): Peer => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } });
const pods = (pod: string): Peer => ({ podSelector: { matchLabels: { pod } } });
const policy = (name: string, spec: Policy['spec'], namespace = 'x'): Policy => ({
  metadata: { name, namespace },
  spec,
});
const toPod = (pod: string, ingress: readonly Rule[]): Policy['spec'] => ({
  podSelector: { matchLabels: { pod } },
  policyTypes: ['Ingress'],
  ingress,
});
const fromPod = (pod: string, egress: readonly Rule[]): Policy['spec'] => ({
  podSelector: { matchLabels: { pod } },
  policyTypes: ['Egress'],
  egress,
});

interface Case {
  readonly it: string;
  readonly policies: readonly Policy[];
  /** Who must not reach whom; everyone else must. */
  readonly blocked: (from: string, to: string, port: number, protocol: string) => boolean;
  readonly namespaces?: World['namespaces'];
  readonly labels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const inX = (name: string): boolean => name.startsWith('x/');
const cases: readonly Case[] = [
  { it: 'no policy allows everything', policies: [], blocked: () => false },
  {
    it: 'default-deny-ingress',
    policies: [policy('deny', { podSelector: {}, policyTypes: ['Ingress'] })],
    blocked: (_, to) => inX(to),
  },
  {
    it: 'default-deny-all',
    policies: [policy('deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] })],
    blocked: (from, to) => inX(to) || inX(from),
  },
  {
    it: 'default-deny-egress',
    policies: [policy('deny', { podSelector: {}, policyTypes: ['Egress'] })],
    blocked: (from) => inX(from),
  },
  {
    it: 'traffic from pods of the same namespace by podSelector',
    policies: [policy('p', toPod('a', [{ from: [pods('b')] }]))],
    blocked: (from, to) => to === 'x/a' && from !== 'x/b',
  },
  {
    it: 'an allow-all for one target beside a deny',
    policies: [
      policy('deny', { podSelector: {}, policyTypes: ['Ingress'] }),
      policy('p', toPod('a', [{ from: [{ podSelector: {}, namespaceSelector: {} }] }])),
    ],
    blocked: (_, to) => inX(to) && to !== 'x/a',
  },
  {
    it: 'ingress from pods in all namespaces',
    policies: [policy('p', toPod('a', [{ from: [{ namespaceSelector: {} }] }]))],
    blocked: () => false,
  },
  {
    it: 'only from a different namespace, by namespaceSelector',
    policies: [policy('p', toPod('a', [{ from: [ns('y')] }]))],
    blocked: (from, to) => to === 'x/a' && !from.startsWith('y/'),
  },
  {
    it: 'podSelector with matchExpressions',
    policies: [
      policy(
        'p',
        toPod('a', [
          { from: [{ podSelector: { matchExpressions: [{ key: 'pod', operator: 'In', values: ['b'] }] } }] },
        ]),
      ),
    ],
    blocked: (from, to) => to === 'x/a' && from !== 'x/b',
  },
  {
    it: 'namespaceSelector with matchExpressions',
    policies: [
      policy(
        'p',
        toPod('a', [
          {
            from: [
              {
                namespaceSelector: {
                  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['y'] }],
                },
              },
            ],
          },
        ]),
      ),
    ],
    blocked: (from, to) => to === 'x/a' && !from.startsWith('y/'),
  },
  {
    it: 'podSelector or namespaceSelector',
    policies: [
      policy(
        'p',
        toPod('a', [
          {
            from: [
              {
                namespaceSelector: {
                  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['x'] }],
                },
              },
              pods('b'),
            ],
          },
        ]),
      ),
    ],
    blocked: (from, to) => to === 'x/a' && (from === 'x/a' || from === 'x/c'),
  },
  {
    it: 'podSelector and namespaceSelector',
    policies: [
      policy(
        'p',
        toPod('a', [
          {
            from: [
              {
                namespaceSelector: {
                  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['x'] }],
                },
                podSelector: { matchLabels: { pod: 'b' } },
              },
            ],
          },
        ]),
      ),
    ],
    blocked: (from, to) => to === 'x/a' && from !== 'y/b' && from !== 'z/b',
  },
  {
    it: 'several podSelectors and namespaceSelectors',
    policies: [
      policy(
        'p',
        toPod('a', [
          {
            from: [
              {
                namespaceSelector: {
                  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['x'] }],
                },
                podSelector: { matchExpressions: [{ key: 'pod', operator: 'In', values: ['b', 'c'] }] },
              },
            ],
          },
        ]),
      ),
    ],
    blocked: (from, to) => to === 'x/a' && (inX(from) || from.endsWith('/a')),
  },
  {
    it: 'any podSelector of two in one rule',
    policies: [policy('p', toPod('a', [{ from: [pods('b'), pods('c')] }]))],
    blocked: (from, to) => to === 'x/a' && from !== 'x/b' && from !== 'x/c',
  },
  {
    it: 'only from a pod in a namespace by both selectors',
    policies: [policy('p', toPod('a', [{ from: [{ ...ns('y'), ...pods('a') }] }]))],
    blocked: (from, to) => to === 'x/a' && from !== 'y/a',
  },
  {
    it: 'based on ports',
    policies: [policy('p', toPod('a', [{ from: [ns('y')], ports: [{ port: 81, protocol: 'TCP' }] }]))],
    blocked: (from, to, port, protocol) =>
      to === 'x/a' && (!from.startsWith('y/') || port !== 81 || protocol !== 'TCP'),
  },
  {
    it: 'several stacked policies with overlapping selectors',
    policies: [
      policy('p', toPod('a', [{ from: [ns('y')], ports: [{ port: 81 }] }])),
      policy('q', toPod('a', [{ from: [ns('y')], ports: [{ port: 80 }] }])),
    ],
    blocked: (from, to, _, protocol) => to === 'x/a' && (!from.startsWith('y/') || protocol !== 'TCP'),
  },
  {
    it: 'an allow-all policy',
    policies: [policy('p', { podSelector: {}, policyTypes: ['Ingress'], ingress: [{}] })],
    blocked: () => false,
  },
  {
    it: 'ingress on one named port',
    policies: [
      policy('p', { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 'serve-81-tcp' }] }] }),
    ],
    blocked: (_, to, port, protocol) => inX(to) && (port !== 81 || protocol !== 'TCP'),
  },
  {
    it: 'an allow-all beside one port: policies add up',
    policies: [
      policy('p', { podSelector: {}, policyTypes: ['Ingress'], ingress: [{}] }),
      policy('q', { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 80 }] }] }),
    ],
    blocked: () => false,
  },
  {
    it: 'egress on a named port',
    policies: [
      policy('p', { podSelector: {}, policyTypes: ['Egress'], egress: [{ ports: [{ port: 'serve-80-tcp' }] }] }),
    ],
    blocked: (from, _, port, protocol) => inX(from) && (port !== 80 || protocol !== 'TCP'),
  },
  {
    it: 'a named port of another protocol matches nothing',
    policies: [policy('p', toPod('a', [{ ports: [{ port: 'serve-80-udp', protocol: 'TCP' }] }]))],
    blocked: (_, to) => to === 'x/a',
  },
  {
    it: 'a pod whose labels change comes under the policy',
    labels: { 'x/b': { tier: 'blue' } },
    policies: [policy('p', { podSelector: { matchLabels: { tier: 'blue' } }, policyTypes: ['Ingress'] })],
    blocked: (_, to) => to === 'x/b',
  },
  {
    it: 'a namespace whose labels change comes to be selected',
    namespaces: { y: { team: 'blue' } },
    policies: [policy('p', toPod('a', [{ from: [{ namespaceSelector: { matchLabels: { team: 'blue' } } }] }]))],
    blocked: (from, to) => to === 'x/a' && !from.startsWith('y/'),
  },
  {
    it: 'a policy denies egress to pods on a server’s port alone',
    policies: [policy('p', fromPod('a', [{ ports: [{ protocol: 'UDP', port: 53 }] }]))],
    blocked: (from) => from === 'x/a',
  },
  {
    it: 'egress to a server in another namespace by both selectors',
    policies: [policy('p', fromPod('a', [{ to: [{ ...ns('y'), ...pods('a') }] }]))],
    blocked: (from, to) => from === 'x/a' && to !== 'y/a',
  },
  {
    it: 'stacked ingress and egress of one pod',
    policies: [policy('p', toPod('a', [{ from: [ns('y')] }])), policy('q', fromPod('a', [{ to: [ns('z')] }]))],
    blocked: (from, to) => (to === 'x/a' && !from.startsWith('y/')) || (from === 'x/a' && !to.startsWith('z/')),
  },
  {
    it: 'an endPort makes a range',
    policies: [policy('p', toPod('a', [{ ports: [{ port: 80, endPort: 81 }] }]))],
    blocked: (_, to, __, protocol) => to === 'x/a' && protocol !== 'TCP',
  },
  {
    it: 'an endPort range that ends before',
    policies: [policy('p', toPod('a', [{ ports: [{ port: 79, endPort: 80 }] }]))],
    blocked: (_, to, port, protocol) => to === 'x/a' && (port !== 80 || protocol !== 'TCP'),
  },
  {
    it: 'egress to an IP block',
    policies: [policy('p', fromPod('a', [{ to: [{ ipBlock: { cidr: '10.121.0.0/16' } }] }]))],
    blocked: (from, to) => from === 'x/a' && !to.startsWith('y/'),
  },
  {
    it: 'egress to an IP block with an exception',
    policies: [
      policy('p', fromPod('a', [{ to: [{ ipBlock: { cidr: '10.121.0.0/16', except: ['10.121.0.98/32'] } }] }])),
    ],
    blocked: (from, to) => from === 'x/a' && (!to.startsWith('y/') || to === 'y/b'),
  },
  {
    it: 'a second policy allows what an exception left out',
    policies: [
      policy('p', fromPod('a', [{ to: [{ ipBlock: { cidr: '10.121.0.0/16', except: ['10.121.0.98/32'] } }] }])),
      policy('q', fromPod('a', [{ to: [{ ipBlock: { cidr: '10.121.0.98/32' } }] }])),
    ],
    blocked: (from, to) => from === 'x/a' && !to.startsWith('y/'),
  },
  {
    it: 'UDP only',
    policies: [policy('p', toPod('a', [{ ports: [{ protocol: 'UDP', port: 80 }] }]))],
    blocked: (_, to, port, protocol) => to === 'x/a' && (protocol !== 'UDP' || port !== 80),
  },
  {
    it: 'a protocol without a port is all its ports',
    policies: [policy('p', toPod('a', [{ ports: [{ protocol: 'UDP' }] }]))],
    blocked: (_, to, __, protocol) => to === 'x/a' && protocol !== 'UDP',
  },
  {
    it: 'Exists and DoesNotExist',
    policies: [
      policy(
        'p',
        toPod('a', [
          {
            from: [
              {
                podSelector: {
                  matchExpressions: [
                    { key: 'pod', operator: 'Exists' },
                    { key: 'team', operator: 'DoesNotExist' },
                  ],
                },
              },
            ],
          },
        ]),
      ),
    ],
    blocked: (from, to) => to === 'x/a' && !inX(from),
  },
  {
    it: 'policyTypes left out: egress only where there are egress rules',
    policies: [
      policy('p', { podSelector: { matchLabels: { pod: 'a' } }, ingress: [{}] }),
      policy('q', { podSelector: { matchLabels: { pod: 'b' } }, egress: [{ to: [ns('y')] }] }),
    ],
    blocked: (from, to) => to === 'x/b' || (from === 'x/b' && !to.startsWith('y/')),
  },
];

for (const { it, policies, blocked, namespaces = {}, labels = {} } of cases)
  test(`upstream case: ${it}`, () => {
    const world: World = { policies, namespaces };
    for (const from of names)
      for (const to of names)
        for (const port of [80, 81])
          for (const protocol of ['TCP', 'UDP'] as const) {
            if (from === to) continue; // loopback is left undefined upstream, too
            const connection: Connection = { from: end(from, labels[from]), to: end(to, labels[to]), port, protocol };
            assert.equal(
              allowed(world, connection),
              !blocked(from, to, port, protocol),
              `${from} -> ${to}:${port}/${protocol}`,
            );
          }
  });

test('addresses outside the cluster match IP blocks and nothing else', () => {
  const outside: End = { kind: 'address', ip: '203.0.113.7' };
  const world = (rule: Rule): World => ({ policies: [policy('p', fromPod('a', [rule]))], namespaces: {} });
  const reaches = (rule: Rule): boolean =>
    allowed(world(rule), { from: end('x/a'), to: outside, port: 443, protocol: 'TCP' });
  assert.equal(reaches({ to: [{ ipBlock: { cidr: '203.0.113.0/24' } }], ports: [{ port: 443 }] }), true);
  assert.equal(reaches({ to: [{ ipBlock: { cidr: '203.0.113.0/24', except: ['203.0.113.7/32'] } }] }), false);
  assert.equal(reaches({ to: [{ namespaceSelector: {} }] }), false);
  assert.equal(reaches({ to: [{ ipBlock: { cidr: '2001:db8::/32' } }] }), false);
  assert.equal(reaches({}), true);
});
