/** The house's plan as data: which package may import which, and which folders are PURE. The tidy test holds the code to it. */

/** Arrows point down only. `testing` is for tests, which may import anything. */
export const arrows: Readonly<Record<string, readonly string[]>> = {
  core: [],
  daemon: ['core'],
  resources: ['core'],
  tunnel: ['core', 'daemon'],
  'tunnel-server': ['core', 'daemon', 'resources', 'tunnel'],
  dns: ['core', 'daemon'],
  terraform: ['core'],
  infra: ['core', 'resources', 'terraform'],
  privatelink: ['core', 'daemon', 'resources'],
  sandbox: ['core', 'resources', 'terraform'],
  lab: ['core'],
  testing: ['core', 'daemon', 'resources'],
  cli: ['core', 'daemon', 'resources', 'tunnel', 'tunnel-server', 'dns', 'infra', 'privatelink', 'sandbox', 'lab'],
};

/** No sockets, files, clocks, randomness or environment in these; only other PURE folders are imported. */
export const pureFolders: readonly string[] = [
  'packages/core/src',
  'packages/tunnel/src/wire',
  'packages/tunnel/src/http2/hpack',
  'packages/tunnel/src/policy',
  'packages/dns/src/codec',
  'packages/dns/src/zones',
  'packages/terraform/src',
  'packages/infra/src/config',
  'packages/infra/src/stacks',
  'packages/infra/src/kustomize',
  'packages/infra/src/dashboard',
  'packages/infra/src/playbook',
  'packages/privatelink/src/kinds',
  'packages/privatelink/src/plan',
  'packages/privatelink/src/plumbing/plan',
  'packages/sandbox/src/plan',
  'packages/sandbox/src/gate',
  'packages/sandbox/src/baseline',
  'packages/sandbox/src/reach',
  'packages/sandbox/src/stacks',
];

/** Inside PURE folders and not PURE themselves; nothing PURE imports them. */
export const worldlyFolders: readonly string[] = ['packages/terraform/src/run'];

/** What a PURE folder must not name, and what it takes instead. */
export const impure: ReadonlyArray<{ readonly pattern: RegExp; readonly instead: string }> = [
  {
    pattern: /from 'node:(?!url'|util'|path'|path\/posix'|buffer'|assert')/,
    instead: 'take what it gives as an argument (node:url, node:util, node:path and node:buffer are fine)',
  },
  { pattern: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, instead: 'take a Clock' },
  { pattern: /\bMath\.random\(|\bcrypto\.(randomUUID|getRandomValues)\(/, instead: 'take the random number' },
  { pattern: /\bprocess\.(?!exhausted)/, instead: 'take the value' },
  { pattern: /\bset(Timeout|Interval|Immediate)\(/, instead: 'return what to wait for' },
  { pattern: /\bfetch\(/, instead: 'take a function' },
];

/** What ships to a customer may have nothing of these in its whole dependency closure. */
export const forbiddenInAgent: readonly RegExp[] = [
  /aws-sdk/,
  /^@smithy\//,
  /google/,
  /kubernetes/,
  /cdk/,
  /^constructs$/,
  /sqlite/,
  /^pg$/,
  /terraform/,
];

/** A file above this many lines is a design question; the test asks it. */
export const fileLinesMax = 500;
