/**
 * Resolver libraries as pods have them, each through a resolv.conf that the proxy itself rewrote: glibc (getent), musl (a small C program),
 * Node (c-ares and getaddrinfo). They want port 53 and /etc/resolv.conf, so all of it happens in a network and mount namespace of its own.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram, need, needNamespaces, posternCommand, run, temporaryDirectory } from '@postern/testing';
import { stringify } from 'yaml';

const upstreamAddress = '127.0.0.53';
const records = `server:
  interface: ${upstreamAddress}@53
  do-daemonize: no
  username: ""
  chroot: ""
  use-syslog: no
  pidfile: ""
  num-threads: 1
  module-config: "iterator"
  local-zone: "cluster.local." static
  local-data: "cluster.local. 300 IN SOA ns.cluster.local. root.cluster.local. 1 2 3 4 30"
  local-data: "web.prod.svc.cluster.local. 60 IN A 10.8.0.1"
  local-zone: "." refuse
  local-zone: "public.example." transparent
auth-zone:
  name: "public.example."
  zonefile: "ZONE"
`;

/** As a zone, not as local data: only then does unbound follow aliases. */
const zone = `$ORIGIN public.example.
@ 300 IN SOA ns root 1 2 3 4 30
@ 300 IN NS ns
ns 300 IN A 127.0.0.1
git 60 IN A 10.1.2.3
six 60 IN AAAA 2001:db8::6
chain 60 IN CNAME git
alias 60 IN CNAME git.internal.acme.example.
`;

const original = `nameserver ${upstreamAddress}\nsearch prod.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n`;

/** Prints what getaddrinfo finds, one address a line, then its result. */
const lookup = `#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
int main(int argc, char **argv) {
  struct addrinfo hints, *list = 0, *one;
  char text[64];
  int family = argc > 2 ? (argv[2][0] == '6' ? AF_INET6 : AF_INET) : AF_UNSPEC, result;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  result = getaddrinfo(argv[1], 0, &hints, &list);
  for (one = list; one; one = one->ai_next) {
    const void *address = one->ai_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)one->ai_addr)->sin6_addr
                                                     : (void *)&((struct sockaddr_in *)one->ai_addr)->sin_addr;
    puts(inet_ntop(one->ai_family, address, text, sizeof text));
  }
  printf("result %d\\n", result);
  return 0;
}
`;

const nodeScript = `const dns = require('node:dns').promises;
const name = process.argv[1];
(async () => {
  const show = (work) => work.then((found) => JSON.stringify(found), (error) => error.code);
  console.log('resolve4', await show(dns.resolve4(name)));
  console.log('resolve6', await show(dns.resolve6(name)));
  console.log('lookup', await show(dns.lookup(name).then((found) => found.address)));
})();`;

/** Runs the shell commands where the proxy is the only nameserver; returns what they print. */
async function inPod(commands: string): Promise<string> {
  using dir = temporaryDirectory();
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir.path, name), text);
    return join(dir.path, name);
  };
  const route = (source: string, destination: string) => ({ source: `${source}.internal.acme.example`, destination });
  const config = file(
    'dns-proxy.yaml',
    stringify({
      apiVersion: 'postern.dev/v1',
      kind: 'DNSProxy',
      admin: '127.0.0.1:9153',
      routes: [
        route('git', 'git.public.example'),
        route('six', 'six.public.example'),
        route('chain', 'chain.public.example'),
      ],
      resolvConf: { rewrite: true },
    }),
  );
  const script = file(
    'pod.sh',
    `set -e
ip link set lo up
mount --bind ${file('resolv.conf', original)} /etc/resolv.conf
mount --bind ${file('nsswitch.conf', 'hosts: files dns\n')} /etc/nsswitch.conf
${findProgram('unbound')} -d -c ${file('unbound.conf', records.replace('ZONE', file('public.zone', zone)))} >${dir.path}/unbound.log 2>&1 &
${posternCommand.join(' ')} dns-proxy --config ${config} >${dir.path}/proxy.log 2>&1 &
proxy=$!
for i in $(seq 200); do curl -sf http://127.0.0.1:9153/readyz >/dev/null 2>&1 && break; sleep 0.05; done
grep -q '^nameserver 127.0.0.1$' /etc/resolv.conf || { cat ${dir.path}/proxy.log; exit 3; }
cd ${dir.path}
${commands}
kill $proxy
wait $proxy
echo "after:"
cat /etc/resolv.conf
`,
  );
  const { code, stdout, stderr } = await run('unshare', [
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '/bin/sh',
    script,
  ]);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.ok(stdout.endsWith(`after:\n${original}`), stdout);
  return stdout;
}

const needed = need('unbound', 'curl', 'unshare', 'ip') || needNamespaces();

test(
  'glibc: getent finds private names, aliases and the cluster, and IPv6-only ones',
  { skip: needed || need('getent') },
  async () => {
    const printed = await inPod(`
getent ahosts git.internal.acme.example | awk '{print "git", $1; exit}'
getent ahosts six.internal.acme.example | awk '{print "six", $1; exit}'
getent ahosts chain.internal.acme.example | awk '{print "chain", $1, $3; exit}'
getent ahosts alias.public.example | awk '{print "alias", $1; exit}'
getent ahosts web.prod | awk '{print "web", $1; exit}'
getent ahosts none.internal.acme.example || echo "none $?"
curl -s http://127.0.0.1:9153/metrics | grep '^postern_dns_outcomes_total{outcome="search_product"}'
`);
    for (const line of [
      'git 10.1.2.3',
      'six 2001:db8::6',
      'chain 10.1.2.3 git.public.example',
      'alias 10.1.2.3',
      'web 10.8.0.1',
      'none 2',
    ])
      assert.ok(printed.includes(`${line}\n`), `${line}\n${printed}`);
    assert.ok(Number(/search_product"\} (\d+)/.exec(printed)?.[1]) >= 3, 'the search list was answered here');
  },
);

test('musl: getaddrinfo finds them too, in either family', { skip: needed || need('musl-gcc') }, async () => {
  using dir = temporaryDirectory();
  writeFileSync(join(dir.path, 'lookup.c'), lookup);
  const program = join(dir.path, 'lookup');
  assert.equal(spawnSync('musl-gcc', ['-static', '-o', program, join(dir.path, 'lookup.c')]).status, 0);
  const printed = await inPod(
    [
      'git.internal.acme.example',
      'git.internal.acme.example 4',
      'six.internal.acme.example',
      'chain.internal.acme.example',
      'web.prod',
    ]
      .map((args) => `echo "$(${program} ${args} | tr '\\n' ' ')"`)
      .join('\n'),
  );
  assert.deepEqual(printed.split('\n').slice(0, 5), [
    '10.1.2.3 result 0 ',
    '10.1.2.3 result 0 ',
    '2001:db8::6 result 0 ',
    '10.1.2.3 result 0 ',
    '10.8.0.1 result 0 ',
  ]);
});

test('Node: c-ares and getaddrinfo', { skip: needed }, async () => {
  using dir = temporaryDirectory();
  const script = join(dir.path, 'ask.cjs');
  writeFileSync(script, nodeScript.replace('process.argv[1]', 'process.argv[2]'));
  const printed = await inPod(
    `${process.execPath} ${script} git.internal.acme.example\n${process.execPath} ${script} six.internal.acme.example`,
  );
  assert.deepEqual(printed.split('\n').slice(0, 6), [
    'resolve4 ["10.1.2.3"]',
    'resolve6 ENODATA',
    'lookup "10.1.2.3"',
    'resolve4 ENODATA',
    'resolve6 ["2001:db8::6"]',
    'lookup "2001:db8::6"',
  ]);
});
