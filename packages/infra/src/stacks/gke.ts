/**
 * Stack `gke`: node pools with the scopes that the configuration lists, and the image repository. The cluster and its existing
 * pools are not ours: a pool is always a further one, and none is ever changed in place, which would drain it.
 */
import type { TerraformStack } from 'cdktn';
import type { Instance, NodePool } from '../config/model.ts';
import { imageRepository, registryName, stackTags } from './google.ts';
import { dataSource, output, resource } from '@postern/terraform';

/** GKE's own default scopes, which a list of scopes replaces. */
const defaultScopes = [
  'https://www.googleapis.com/auth/devstorage.read_only',
  'https://www.googleapis.com/auth/logging.write',
  'https://www.googleapis.com/auth/monitoring',
  'https://www.googleapis.com/auth/service.management.readonly',
  'https://www.googleapis.com/auth/servicecontrol',
  'https://www.googleapis.com/auth/trace.append',
];

export function gke(stack: TerraformStack, instance: Instance): void {
  const { gcp } = instance;
  const repository = resource(stack, 'google_artifact_registry_repository', 'images', {
    repository_id: registryName,
    location: gcp.region,
    format: 'DOCKER',
    description: `Images of ${instance.name}'s sidecars and tunnel server.`,
    labels: stackTags(instance),
    docker_config: { immutable_tags: true },
  });
  const standard = dataSource(stack, 'google_compute_default_service_account', 'nodes', {});
  const accounts = new Map([['default', standard.ref('email') as string]]);
  for (const [name, pool] of Object.entries(gcp.pools))
    if (pool.serviceAccount !== undefined && ![...accounts.values()].includes(pool.serviceAccount))
      accounts.set(name, pool.serviceAccount);
  for (const [name, email] of accounts)
    resource(stack, 'google_artifact_registry_repository_iam_member', `reader_${identifier(name)}`, {
      repository: repository.ref('name'),
      location: gcp.region,
      role: 'roles/artifactregistry.reader',
      member: `serviceAccount:${email}`,
    });
  for (const [name, pool] of Object.entries(gcp.pools)) addPool(stack, instance, name, pool, standard.ref('email'));
  const cluster = dataSource(stack, 'google_container_cluster', 'product', {
    name: gcp.cluster,
    location: gcp.region,
  });
  const services = cluster.raw('services_ipv4_cidr');
  // GKE gives kube-dns the tenth address of the service range.
  output(stack, 'cluster_dns', `\${cidrhost(${services}, 10)}`, 'The cluster’s DNS service.');
  output(stack, 'services_cidr', `\${${services}}`, 'The cluster’s service range.');
  output(stack, 'image_repository', imageRepository(instance), 'Where the images lie.');
}

function addPool(
  stack: TerraformStack,
  instance: Instance,
  name: string,
  pool: NodePool,
  standardAccount: string,
): void {
  const scopes = [...new Set([...defaultScopes, ...pool.additionalOauthScopes])].toSorted();
  const account = pool.serviceAccount ?? standardAccount;
  resource(
    stack,
    'google_container_node_pool',
    identifier(name),
    {
      name: poolName(name, [pool.machineType, account, ...scopes]),
      cluster: instance.gcp.cluster,
      location: instance.gcp.region,
      node_count: pool.nodes,
      node_config: {
        machine_type: pool.machineType,
        oauth_scopes: scopes,
        service_account: account,
        labels: { 'postern.dev/pool': name },
        metadata: { 'disable-legacy-endpoints': 'true' },
        workload_metadata_config: { mode: 'GKE_METADATA' },
        shielded_instance_config: { enable_secure_boot: true, enable_integrity_monitoring: true },
      },
      management: { auto_repair: true, auto_upgrade: true },
      upgrade_settings: { max_surge: 1, max_unavailable: 0 },
    },
    // With the settings in its name, every change of them is a replacement, and this refuses it: add a second pool.
    { lifecycle: { prevent_destroy: true } },
  );
}

/** At most 40 characters, as GKE wants. */
function poolName(name: string, settings: readonly string[]): string {
  return `postern-${name.slice(0, 23)}-${fnv1a(settings.join('\n'))}`;
}

/** 32-bit FNV-1a, in hexadecimal: names the settings; nobody's security rests on it. */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

function identifier(name: string): string {
  return name.replaceAll('-', '_');
}
