/**
 * The sidecar of a generated tree, run as a kubelet would run it: its own command, user, read-only root, volumes, sysctl and probes, in
 * namespaces of its own, and a container beside it whose resolv.conf is what the pod's dnsConfig says.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  findProgram,
  need,
  needNamespaces,
  postern,
  posternCommand,
  repositoryRoot,
  run,
  temporaryDirectory,
} from '@postern/testing';
import { parse } from 'yaml';
import { exampleText } from '../../../packages/infra/src/testdata/example.ts';

interface Container {
  readonly args: readonly string[];
  readonly securityContext: { readonly runAsUser: number; readonly readOnlyRootFilesystem: boolean };
  readonly startupProbe: { readonly exec: { readonly command: readonly string[] } };
  readonly livenessProbe: { readonly exec: { readonly command: readonly string[] } };
  readonly volumeMounts: readonly { readonly mountPath: string; readonly name: string }[];
}

interface PodSpec {
  readonly dnsPolicy: string;
  readonly dnsConfig: {
    readonly nameservers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly { readonly name: string; readonly value: string }[];
  };
  readonly securityContext: { readonly sysctls: readonly { readonly name: string; readonly value: string }[] };
  readonly initContainers: readonly Container[];
}

/** The sidecar may not take more than this; the first image of the process would. */
const rssMiBMax = 90;

const needed = need('unbound', 'unshare', 'setpriv', 'getent') || needNamespaces();

test('the generated sidecar starts as it is, is probed, and answers its pod', { skip: needed }, async () => {
  using dir = temporaryDirectory();
  const file = (name: string, text: string): void => writeFileSync(join(dir.path, name), text);
  file('config.yaml', exampleText());
  const generated = await postern(['generate', 'kustomize', dir.path]);
  assert.equal(generated.code, 0, generated.stderr);
  const component = join(dir.path, 'kubernetes/dns-proxy');
  const patch = parse(readFileSync(join(component, 'deployment.yaml'), 'utf8')) as {
    spec: { template: { spec: PodSpec } };
  };
  const pod = patch.spec.template.spec;
  const [sidecar] = pod.initContainers;
  const config = parse(readFileSync(join(component, 'dns-proxy.yaml'), 'utf8')) as {
    upstreams: string[];
    routes: { source: string; destination: string }[];
  };
  const upstream = config.upstreams[0]!.replace(/:53$/, '');
  const [route] = config.routes;
  assert.equal(pod.dnsPolicy, 'None');
  assert.ok(sidecar!.securityContext.readOnlyRootFilesystem);
  assert.deepEqual(sidecar!.volumeMounts.map(({ mountPath }) => mountPath).toSorted(), ['/etc/postern', '/tmp']);

  const { nameservers, searches, options } = pod.dnsConfig;
  const settings = options.map(({ name, value }) => `${name}:${value}`).join(' ');
  file(
    'resolv.conf',
    `${nameservers.map((one) => `nameserver ${one}\n`).join('')}search ${searches.join(' ')}\noptions ${settings}\n`,
  );
  file('nsswitch.conf', 'hosts: files dns\n');
  const server = ['do-daemonize: no', 'username: ""', 'chroot: ""', 'use-syslog: no', 'pidfile: ""'];
  const data = [
    'local-zone: "." refuse',
    'local-zone: "cluster.local." static',
    'local-data: "web.default.svc.cluster.local. 60 IN A 10.8.0.1"',
    `local-zone: "${route!.destination}." static`,
    `local-data: "${route!.destination}. 60 IN A 10.200.1.9"`,
  ];
  file(
    'unbound.conf',
    `server:\n${[`interface: ${upstream}@53`, ...server, 'log-queries: yes', 'access-control: 0.0.0.0/0 allow', ...data].map((line) => `  ${line}\n`).join('')}`,
  );
  const user = sidecar!.securityContext.runAsUser;
  const asUser = `setpriv --reuid=${user} --regid=${user} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all`;
  // Bound below /mnt: the checkout may lie below /tmp, which the pod covers, or where this user may not go.
  const image = posternCommand.map((part) => part.replace(repositoryRoot, '/mnt/checkout'));
  const inContainer = (args: readonly string[]): string =>
    `${asUser} ${[...image, ...args.filter((arg) => arg !== 'postern')].join(' ')}`;
  file(
    'pod.sh',
    `set -e
mount -t tmpfs none /mnt
mkdir -p /mnt/world /mnt/tmp /mnt/etc-postern
${['packages', 'tools', 'node_modules'].map((part) => `mkdir -p /mnt/checkout/${part}; mount --bind ${join(repositoryRoot, part)} /mnt/checkout/${part}`).join('\n')}
mount --bind ${dir.path} /mnt/world
mount --bind ${component} /mnt/etc-postern
chmod 1777 /mnt/tmp
ip link set lo up
ip address add ${upstream}/32 dev lo
${pod.securityContext.sysctls.map(({ name, value }) => `echo ${value} >/proc/sys/${name.replaceAll('.', '/')}`).join('\n')}
${findProgram('unbound')} -d -c /mnt/world/unbound.conf >/mnt/world/unbound.log 2>&1 &
mount --bind /mnt/world/resolv.conf /etc/resolv.conf
mount --bind /mnt/world/nsswitch.conf /etc/nsswitch.conf
mount --bind /mnt/tmp /tmp
exec 3>/mnt/tmp/log
chmod 666 /mnt/tmp/log
mount -o remount,bind,ro /
cd /
${inContainer(sidecar!.args.map((arg) => arg.replace('/etc/postern', '/mnt/etc-postern')))} >&3 2>&3 &
proxy=$!
ready=no
for i in $(seq 60); do
  if ${inContainer(sidecar!.startupProbe.exec.command)} >/dev/null 2>&1; then ready=yes; break; fi
  kill -0 $proxy || break
done
[ $ready = yes ] || { cat /mnt/tmp/log; exit 3; }
${inContainer(sidecar!.livenessProbe.exec.command)}
getent ahostsv4 ${route!.source} | awk '{print "private", $1; exit}'
getent ahostsv4 web | awk '{print "service", $1; exit}'
grep VmRSS /proc/$proxy/status
ls -A /mnt/tmp
kill $proxy
wait $proxy
`,
  );
  const { code, stdout, stderr } = await run('unshare', [
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--mount-proc',
    '--kill-child',
    '/bin/sh',
    join(dir.path, 'pod.sh'),
  ]);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  for (const line of ['ok', 'private 10.200.1.9', 'service 10.8.0.1'])
    assert.match(stdout, new RegExp(`^${line}$`, 'm'));
  const rssMiB = Number(/VmRSS:\s+(\d+)/.exec(stdout)?.[1]) / 1024;
  assert.ok(rssMiB < rssMiBMax, `${rssMiB} MiB`);
  assert.match(stdout, /^log$/m);
  assert.doesNotMatch(stdout, /postern-dns-/, 'what the start left in /tmp');
  const asked = readFileSync(join(dir.path, 'unbound.log'), 'utf8');
  assert.ok(asked.includes(route!.destination), asked);
  assert.ok(!asked.includes(route!.source), asked);
});
