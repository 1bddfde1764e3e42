/** Proves isolation in the cluster as it runs: by its policies, by its network plugin, and by trying. */
import { type Clock, PosternError } from '@postern/core';
import { approvedImagesName, digestKey, platformNamespace } from '../baseline/admission.ts';
import { type Manifest, tenantLabel } from '../baseline/labels.ts';
import { parseImage } from '../gate/index.ts';
import { type End, type Policy, type World, allowed } from '../reach/evaluate.ts';
import type { Cluster, Live } from './cluster.ts';

export interface Probe {
  readonly from: string;
  readonly to: string;
  readonly expected: 'connects' | 'blocked';
  readonly byPolicies: 'connects' | 'blocked';
  /** Absent where nothing was tried. */
  readonly tried?: 'connects' | 'blocked';
}

export interface ProbeResult {
  readonly verdict: 'isolated' | 'not-isolated' | 'unproven';
  readonly plugin: string;
  readonly problems: readonly string[];
  readonly probes: readonly Probe[];
}

export interface ProbeOptions {
  /** An image with agnhost (registry.k8s.io/e2e-test-images/agnhost), by digest; without it nothing is tried. */
  readonly image?: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly step: (text: string) => void;
}

const serverPort = 8080;
const probeLabel = 'postern.dev/probe';

/** An image is pulled within this, or the cluster cannot pull it. */
const readyTimeoutMs = 180_000;
const pollMs = 500;

/** Plugins that enforce NetworkPolicy; the AWS one only when told. */
const enforcing = /^(calico-node|cilium|antrea-agent|kube-router|weave-net|ovnkube-node|canal|terway.*|anetd)$/;

export async function probe(cluster: Cluster, options: ProbeOptions): Promise<ProbeResult> {
  const problems: string[] = [];
  const plugin = await findPlugin(cluster, problems, options.signal);
  const world = await readWorld(cluster, options.signal);
  const tenants = tenantsOf(world);
  if (tenants.length === 0)
    throw new PosternError('PROBE', 'there is no tenant in this cluster', { hint: 'postern sandbox tenant apply' });
  const grants = grantedPorts(world);
  let probes = byPolicies(world, tenants, grants, problems);
  if (options.image !== undefined) probes = await byTrying(cluster, options.image, tenants, probes, options);
  for (const one of probes)
    if (one.tried !== undefined && one.tried !== one.expected)
      problems.push(
        `${one.from} -> ${one.to} ${one.tried}${one.byPolicies === one.expected ? ', whatever the policies say: the network plugin does not enforce them' : ''}`,
      );
  const wrong = probes.some(
    (one) => one.byPolicies !== one.expected || (one.tried !== undefined && one.tried !== one.expected),
  );
  const tried = probes.some((one) => one.tried !== undefined);
  return {
    verdict: wrong || (plugin.enforces === false && !tried) ? 'not-isolated' : tried ? 'isolated' : 'unproven',
    plugin: plugin.name,
    problems,
    probes,
  };
}

async function findPlugin(
  cluster: Cluster,
  problems: string[],
  signal?: AbortSignal,
): Promise<{ name: string; enforces: boolean | undefined }> {
  const sets = await cluster.list('apps/v1', 'DaemonSet', { signal });
  const known = sets.find((one) => enforcing.test(one.metadata.name));
  if (known !== undefined) return { name: known.metadata.name, enforces: true };
  const aws = sets.find((one) => one.metadata.name === 'aws-node');
  if (aws === undefined) {
    problems.push('no network plugin that is known to enforce policies was found; only trying proves it');
    return { name: 'unknown', enforces: undefined };
  }
  const on = JSON.stringify(aws['spec']).includes('--enable-network-policy=true');
  if (!on)
    problems.push(
      'aws-node runs without --enable-network-policy=true: NetworkPolicies are written and nobody enforces them',
    );
  return { name: `aws-node (policies ${on ? 'on' : 'off'})`, enforces: on };
}

async function readWorld(cluster: Cluster, signal?: AbortSignal): Promise<World> {
  const namespaces = await cluster.list('v1', 'Namespace', { signal });
  return {
    policies: (await cluster.list('networking.k8s.io/v1', 'NetworkPolicy', { signal })) as unknown as Policy[],
    namespaces: Object.fromEntries(namespaces.map((one) => [one.metadata.name, one.metadata.labels ?? {}])),
  };
}

interface TenantSpaces {
  readonly name: string;
  readonly namespaces: readonly string[];
}

function tenantsOf(world: World): TenantSpaces[] {
  const byName = new Map<string, string[]>();
  for (const [namespace, labels] of Object.entries(world.namespaces)) {
    const tenant = labels[tenantLabel];
    if (tenant !== undefined) byName.set(tenant, [...(byName.get(tenant) ?? []), namespace].toSorted());
  }
  return [...byName.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, namespaces]) => ({ name, namespaces }));
}

/** Grants are written into policies' names by the platform; those for the port that is tried make a connection expected. */
function grantedPorts(world: World): Set<string> {
  return new Set(
    world.policies.flatMap(
      ({ metadata }) => /^postern-grant-(.+)-tcp-(\d+)$/.exec(metadata.name)?.slice(1, 3).join(':') ?? [],
    ),
  );
}

const pod = (namespace: string, ip: string): End => ({ kind: 'pod', namespace, labels: { [probeLabel]: 'true' }, ip });

/** Within a tenant everything, across tenants what is granted, the metadata service never. */
function byPolicies(
  world: World,
  tenants: readonly TenantSpaces[],
  grants: ReadonlySet<string>,
  problems: string[],
): Probe[] {
  const verdict = (from: End, to: End, port: number): 'connects' | 'blocked' =>
    allowed(world, { from, to, port, protocol: 'TCP' }) ? 'connects' : 'blocked';
  const probes: Probe[] = [];
  for (const from of tenants) {
    const source = from.namespaces[0]!;
    for (const to of tenants) {
      const target = to.namespaces.at(-1)!;
      const expected = from === to || grants.has(`${from.name}-to-${to.name}:${serverPort}`) ? 'connects' : 'blocked';
      probes.push({
        from: source,
        to: `${target}:${serverPort}`,
        expected,
        byPolicies: verdict(pod(source, '10.0.0.1'), pod(target, '10.0.0.2'), serverPort),
      });
    }
    probes.push({
      from: source,
      to: '169.254.169.254:80',
      expected: 'blocked',
      byPolicies: verdict(pod(source, '10.0.0.1'), { kind: 'address', ip: '169.254.169.254' }, 80),
    });
  }
  for (const one of probes)
    if (one.byPolicies !== one.expected)
      problems.push(
        `by its policies ${one.from} -> ${one.to} ${one.byPolicies === 'connects' ? 'is open' : 'is closed'}`,
      );
  return probes;
}

/** One server a tenant, one client a probe; all of it goes again, whatever happens. */
async function byTrying(
  cluster: Cluster,
  image: string,
  tenants: readonly TenantSpaces[],
  probes: readonly Probe[],
  options: ProbeOptions,
): Promise<Probe[]> {
  const parsed = parseImage(image);
  if ('kind' in parsed || parsed.digest === undefined)
    throw new PosternError('PROBE', `${image} is not named by digest`, { exitCode: 2 });
  const key = digestKey(parsed.digest);
  const made: Manifest[] = [];
  const approvedBefore = new Set<string>();
  try {
    for (const { name } of tenants) {
      const list = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: approvedImagesName(name), namespace: platformNamespace },
      };
      const live = await cluster.read(list, options.signal);
      if (Object.hasOwn(live?.['data'] ?? {}, key)) approvedBefore.add(name);
      else await cluster.mergePatch(list, { data: { [key]: image } }, options.signal);
    }
    const start = async (manifest: Manifest): Promise<void> => {
      made.push(manifest);
      await admitted(() => cluster.create(manifest, options.signal), options.clock);
    };
    const servers = new Map<string, Manifest>();
    for (const { namespaces } of tenants) {
      const namespace = namespaces.at(-1)!;
      const server = probePod(namespace, 'postern-probe-server', image, ['netexec', `--http-port=${serverPort}`]);
      servers.set(namespace, server);
      options.step(`starting ${namespace}/postern-probe-server`);
      await start(server);
    }
    const addresses = new Map<string, string>();
    for (const [namespace, server] of servers)
      addresses.set(
        namespace,
        await until(cluster, server, options, (status) => (status.phase === 'Running' ? status.podIP : undefined)),
      );
    const result: Probe[] = [];
    for (const [i, one] of probes.entries()) {
      const [target, port] = one.to.split(':') as [string, string];
      const client = probePod(one.from, `postern-probe-${i}`, image, [
        'connect',
        `${addresses.get(target) ?? target}:${port}`,
        '--timeout=5s',
      ]);
      options.step(`trying ${one.from} -> ${one.to}`);
      await start(client);
      const phase = await until(cluster, client, options, (status) =>
        status.phase === 'Succeeded' || status.phase === 'Failed' ? status.phase : undefined,
      );
      result.push({ ...one, tried: phase === 'Succeeded' ? 'connects' : 'blocked' });
    }
    return result;
  } finally {
    for (const manifest of made) await cluster.remove(manifest).catch(() => false);
    for (const { name } of tenants)
      if (!approvedBefore.has(name))
        await cluster
          .mergePatch(
            {
              apiVersion: 'v1',
              kind: 'ConfigMap',
              metadata: { name: approvedImagesName(name), namespace: platformNamespace },
            },
            { data: { [key]: null } },
          )
          .catch(() => undefined);
  }
}

function probePod(namespace: string, name: string, image: string, args: readonly string[]): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { [probeLabel]: 'true' } },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'probe',
          image,
          args,
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '100m', memory: '64Mi' } },
        },
      ],
    },
  };
}

interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
}

async function until(
  cluster: Cluster,
  manifest: Manifest,
  { clock, signal }: ProbeOptions,
  of: (status: PodStatus) => string | undefined,
): Promise<string> {
  const deadlineMs = clock.monotonic() + readyTimeoutMs;
  for (;;) {
    const live: Live | undefined = await cluster.read(manifest, signal);
    const found = of(live?.['status'] ?? {});
    if (found !== undefined) return found;
    if (clock.monotonic() > deadlineMs)
      throw new PosternError(
        'PROBE',
        `pod ${manifest.metadata.namespace}/${manifest.metadata.name} did not get anywhere within ${readyTimeoutMs / 1000} s`,
        { hint: 'can the nodes pull the probe’s image?' },
      );
    await clock.sleep(pollMs, signal);
  }
}

/** The API server reads its list of approved images a moment after it is written. */
async function admitted(work: () => Promise<unknown>, clock: Clock): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === 20 || !(error instanceof PosternError) || !/not approved for this tenant/.test(error.message))
        throw error;
      await clock.sleep(pollMs);
    }
  }
}
