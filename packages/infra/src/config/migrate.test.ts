/** The older spellings: read with a warning, rewritten by `migrate`, nothing lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '@postern/core';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { parseInstance } from './load.ts';
import { meaning, migrate } from './migrate.ts';
import { oldest, later } from '../testdata/older.ts';

test('the oldest form validates with hints, one for each older spelling', () => {
  const { instance, diagnostics } = parseInstance('config.yaml', oldest);
  assert.deepEqual(
    diagnostics.filter((d) => d.message.includes('migrate')).map((d) => `${d.line}:${d.col} ${d.severity} ${d.path}`),
    [
      '12:3 warning spec.privateCodeHost',
      '18:5 warning spec.privateCodeHost.domain',
      '20:5 warning spec.privateCodeHost.type',
    ],
  );
  assert.equal(instance.aws?.accountID, '012345678901');
  assert.deepEqual(instance.routes, [], 'its destination is not known');
});

test('migrating the oldest form moves the host, keeps every comment and writes the route as a comment', () => {
  const { text, changes } = migrate('config.yaml', oldest);
  assert.equal(changes.length, 3);
  assert.equal(
    text,
    `apiVersion: postern.dev/v1
kind: Instance
metadata:
  name: src-404b40e50f4f7b202e4e   # of 2023
spec:
  infrastructure:

    gcp:
      projectID:   src-404b40e50f4f7b202e4e
      region: 'europe-west3' # Frankfurt
    # The customer's code host,
    privateCodeHost:
      aws:
        accountID: "012345678901"
        highAvailable: true
        region: eu-central-1
      # asked for by their DNS
      # to be confirmed
      enabled: true
      # the only type
    # privateDNS:
    #   routes:
    #     - source: code.acme.example
    #       destination: NAME   # that resolves to its private address, such as the endpoint’s regional name
`,
  );
  assert.deepEqual(migrate('config.yaml', text), { text, changes: [] });
  assert.deepEqual(
    parseInstance('config.yaml', text).diagnostics.filter((d) => d.message.includes('migrate')),
    [],
  );
});

test('the later form: privateLink becomes a list, its flag moves inside, gke moves, the rest stays byte for byte', () => {
  const { diagnostics } = parseInstance('config.yaml', later);
  assert.equal(diagnostics.filter((d) => d.message.includes('migrate')).length, 4);
  const { text } = migrate('config.yaml', later);
  assert.equal(
    text,
    `apiVersion: postern.dev/v1
kind: Instance
metadata: {name: src-404b40e50f4f7b202e4e}
spec:
  infrastructure:
    gcp:
      projectID: src-404b40e50f4f7b202e4e
      region: europe-west3
      gke:
        blue:
          additionalOauthScopes: # required for each node pool
            - https://www.googleapis.com/auth/devstorage.read_only
    privateCodeHost:
      aws:
        accountID: "123456789012"
        highAvailable: true
        region: eu-central-1
        # privateLinks represents a VPC endpoint exposed by customers
        privateLinks: # one
          # Endpoint VPC Endpoint Service name
          - endpoint: com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0

            # ports list of TCP ports to open
            ports:
              - 443
              - 22
            # enabled only after acceptance
            privateDnsEnabled: false
      enabled: true
    privateDNS:
      routes:
        - source: private.acme.example
          destination: public.acme.example
          # resolverIP: 10.0.0.2
`.replace('# privateLinks represents', '# privateLink represents'),
  );
});

test('an old domain becomes a route to the only private link', () => {
  const old = later.replace('      enabled: true\n', '      enabled: true\n      domain: Git.Acme.example\n');
  const { instance } = parseInstance('config.yaml', old);
  const route = {
    source: 'git.acme.example',
    destination: 'vpce-svc-0123456789abcdef0.eu-central-1.vpce.amazonaws.com',
  };
  assert.deepEqual(instance.routes.at(-1), route);
  const { text } = migrate('config.yaml', old);
  assert.match(
    text,
    /# resolverIP: 10\.0\.0\.2\n {8}- source: Git\.Acme\.example\n {10}destination: vpce-svc-0123456789abcdef0\.eu-central-1\.vpce\.amazonaws\.com\n$/,
  );
  assert.deepEqual(parseInstance('config.yaml', text).instance, instance);
});

test('both spellings at once, another type, a domain that is no name: errors at their place', () => {
  const both = later.replace('        # privateLink', '        privateLinks: []\n        # privateLink');
  assert.throws(
    () => parseInstance('config.yaml', both),
    (error: ConfigError) =>
      error.diagnostics.some((d) => d.severity === 'error' && d.message.startsWith('stands beside privateLinks')),
  );
  assert.throws(() => migrate('config.yaml', both), ConfigError);
  const type = oldest.replace('type: awsvpn', 'type: azure');
  assert.throws(
    () => parseInstance('config.yaml', type),
    (error: ConfigError) => error.diagnostics.some((d) => d.line === 20 && d.message.includes('"azure"')),
  );
});

test('a schema problem in an older spelling is reported under the path the file has', () => {
  const wrong = oldest
    .replace('region: eu-central-1', 'region: eu-centrall-1')
    .replace('"012345678901"', '012345678901');
  assert.throws(
    () => parseInstance('c.yaml', wrong),
    (error: ConfigError) => {
      const errors = error.diagnostics.filter(({ severity }) => severity === 'error');
      assert.deepEqual(
        errors.map(({ line, col, path, message }) => ({ line, col, path, message })),
        [
          {
            line: 14,
            col: 18,
            path: 'spec.privateCodeHost.aws.accountID',
            message: 'is a number because it has no quotes; write "012345678901" (a leading zero would be lost)',
          },
          {
            line: 16,
            col: 15,
            path: 'spec.privateCodeHost.aws.region',
            message: '"eu-centrall-1" is not a region of AWS, did you mean eu-central-1?',
          },
        ],
      );
      return true;
    },
  );
});

const comment = fc.option(fc.stringMatching(/^[a-z0-9 :'"{}#-]{1,20}$/), { nil: undefined });

/** Older documents of every shape, block and flow, with comments in every place a person puts them. */
const older = fc
  .record({
    comments: fc.array(comment, { minLength: 12, maxLength: 12 }),
    outside: fc.boolean(),
    type: fc.boolean(),
    domain: fc.boolean(),
    link: fc.constantFrom('none', 'block', 'flow', 'list', 'two'),
    flag: fc.boolean(),
    gke: fc.constantFrom('none', 'block', 'flow'),
    routes: fc.constantFrom('none', 'block', 'flow', 'empty'),
    eol: fc.constantFrom('\n', '\r\n'),
  })
  .map(({ comments, outside, type, domain, link, flag, gke, routes, eol }) => {
    let used = 0;
    const tail = (): string => {
      const text = comments[used++ % comments.length];
      return text === undefined ? '' : ` # c${used} ${text}`;
    };
    const above = (indent: number): string[] => {
      const text = comments[used++ % comments.length];
      return text === undefined ? [] : [`${' '.repeat(indent)}# c${used} ${text}`];
    };
    const endpoint = 'endpoint: com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0';
    const links: Record<string, string[]> = {
      none: [],
      block: [
        `      privateLink:${tail()}`,
        ...above(8),
        `        ${endpoint}${tail()}`,
        ...above(8),
        '        ports: [443]',
      ],
      flow: [`      privateLink: { ${endpoint}, ports: [22] }${tail()}`],
      list: ['      privateLinks:', `        - ${endpoint}${tail()}`],
      two: [
        '      privateLinks:',
        `        - ${endpoint}`,
        `        - {${endpoint.replace('0123', '4567')}, privateDnsEnabled: true}`,
      ],
    };
    const host = [
      ...above(2),
      `  privateCodeHost:${tail()}`,
      ...above(4),
      `    enabled: true${tail()}`,
      ...(type ? [...above(4), `    type: awsvpn${tail()}`] : []),
      ...(domain ? [`    domain: git.acme.example${tail()}`] : []),
      `    aws:${tail()}`,
      '      accountID: "123456789012"',
      `      region: eu-central-1${tail()}`,
      ...links[link]!,
      ...(flag ? [...above(6), `      privateDnsEnabled: false${tail()}`] : []),
    ];
    const lines = [
      'apiVersion: postern.dev/v1',
      'kind: Instance',
      'metadata: {name: acme}',
      'spec:',
      ...(outside ? host : []),
      '  infrastructure:',
      '    gcp:',
      '      projectID: acme-project',
      `      region: europe-west3${tail()}`,
      ...(gke === 'block' ? [...above(4), '    gke:', `      blue:${tail()}`, '        nodes: 2'] : []),
      ...(gke === 'flow' ? [`    gke: {blue: {nodes: 2}}${tail()}`] : []),
      ...(routes === 'block'
        ? ['    privateDNS:', '      routes:', `      - source: a.example${tail()}`, '        destination: b.example']
        : []),
      ...(routes === 'flow' ? ['    privateDNS: {routes: [{source: a.example, destination: b.example}]}'] : []),
      ...(routes === 'empty' ? ['    privateDNS:', `      routes: []${tail()}`] : []),
      ...(outside ? [] : host.map((line) => `  ${line}`)),
      '  # the end',
      '',
    ];
    return lines.join(eol);
  });

test('property: migrating means the same, keeps every comment, and has nothing left to do', () => {
  fc.assert(
    fc.property(older, (text) => {
      const wanted = meaning(text);
      const { text: next } = migrate('config.yaml', text);
      assert.deepEqual(parse(next), JSON.parse(JSON.stringify(wanted)));
      assert.deepEqual(migrate('config.yaml', next).changes, []);
      const comments = (of: string): string[] =>
        of
          .match(/(?:^|\s)# c\d+[^\r\n]*/g)
          ?.map((c) => c.trim())
          .toSorted() ?? [];
      assert.deepEqual(comments(next), comments(text));
      assert.match(next, /# the end/);
      assert.equal(next.includes('\r\n'), text.includes('\r\n'));
      if (text.includes('\r\n')) assert.doesNotMatch(next, /[^\r]\n/);
    }),
    { numRuns: 150 },
  );
});
