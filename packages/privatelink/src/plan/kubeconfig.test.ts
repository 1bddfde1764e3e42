/** The API's host name out of kubeconfigs, good and bad. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { apiHost } from './kubeconfig.ts';
import { principalOfCaller } from './arn.ts';

const config = (server: string, user: object = { token: 'x' }): string =>
  stringify({
    'current-context': 'a',
    contexts: [
      { name: 'b', context: { cluster: 'other' } },
      { name: 'a', context: { cluster: 'c', user: 'u' } },
    ],
    clusters: [
      { name: 'other', cluster: { server: 'https://wrong:1' } },
      { name: 'c', cluster: { server } },
    ],
    users: [{ name: 'u', user }],
  });
const host = (values: Record<string, string>) => apiHost({ get: (key) => values[key] });

test('the server of the current context, without port and trailing dot; the raw one wins', () => {
  assert.deepEqual(host({ kubeconfig: config('https://API.acme.example.:6443/x') }), {
    kind: 'host',
    name: 'api.acme.example',
  });
  assert.deepEqual(
    host({ kubeconfig: config('https://vanity:6443'), 'raw-kubeconfig': config('https://api.raw:6443') }),
    {
      kind: 'host',
      name: 'api.raw',
    },
  );
});

test('what cannot be used says why and shows nothing of its content', () => {
  for (const [values, reason] of [
    [{}, /neither raw-kubeconfig nor kubeconfig/],
    [{ kubeconfig: '{[token: hidden' }, /^is not YAML$/],
    [{ kubeconfig: config('https://10.0.0.1:6443') }, /an address/],
    [{ kubeconfig: config('https://a.example', { exec: { command: 'rm' } }) }, /exec credential plugin/],
    [{ kubeconfig: 'just text' }, /not a kubeconfig|no server/],
  ] as const) {
    const result = host(values);
    assert.ok(result.kind === 'none' && reason.test(result.reason), JSON.stringify(result));
  }
});

test('the principal behind a session is its role, in every partition', () => {
  assert.equal(
    principalOfCaller('arn:aws-us-gov:sts::123456789012:assumed-role/Hive/session-1'),
    'arn:aws-us-gov:iam::123456789012:role/Hive',
  );
  assert.equal(principalOfCaller('arn:aws:iam::123456789012:user/u'), 'arn:aws:iam::123456789012:user/u');
});
