/**
 * Stack `connect`: what the tunnel's server needs of Google Cloud. The server itself runs in the cluster
 * (kubernetes/connect-server), at the address reserved here and with the identity made here.
 */
import type { TerraformStack } from 'cdktn';
import type { ConnectSide, Instance } from '../config/model.ts';
import { networkPath, stackTags } from './google.ts';
import type { Resources } from '@postern/terraform';
import { type Handle, output, resource } from '@postern/terraform';

export const tunnelPort = 50050;

export const connectNames = {
  address: 'postern-connect',
  caPool: 'postern-connect',
  logBucket: 'postern-connect',
  metric: 'postern/connect/refused',
  server: 'postern-tunnel-server',
  client: 'postern-tunnel-client',
} as const;

/** The daemon's audit records are kept this long, as the embedded log keeps them. */
const retentionDays = 30;

/** A root that outlives every instance; certificates of peers live 24 hours. */
const caLifetimeSeconds = 10 * 365 * 86_400;

const auditFilter = [
  'resource.type="k8s_container"',
  `resource.labels.container_name="${connectNames.server}"`,
  'jsonPayload.event:*',
].join(' AND ');

const refusedFilter = `${auditFilter} AND jsonPayload.event=("session.refuse" OR "certificate.refuse" OR "connection.refuse")`;

export function connectStack(stack: TerraformStack, instance: Instance): void {
  const connect = instance.connect!;
  const address = resource(
    stack,
    'google_compute_address',
    'server',
    {
      name: connectNames.address,
      address_type: 'EXTERNAL',
      description: `Where the agents of ${instance.name} dial.`,
      labels: stackTags(instance),
    },
    // The one address on every customer's egress list.
    { lifecycle: { prevent_destroy: true } },
  );
  addFirewall(stack, instance, connect);
  const server = addIdentity(stack, instance, 'server', 'Tunnel server: proves identities, applies policy.');
  addIdentity(stack, instance, 'client', 'Tunnel clients: sidecars of the product.');
  addAgents(stack, instance, connect);
  const pool = addAuthority(stack, instance, server);
  addLog(stack, instance);
  output(stack, 'address', address.ref('address'), 'The static address that agents dial.');
  output(stack, 'port', tunnelPort, 'Its one port.');
  output(stack, 'ca_pool', pool.ref('id'), 'The CA pool that issues the peers’ certificates.');
  output(stack, 'server_service_account', server.ref('email'), 'The server’s identity.');
}

/** By source range, for the whole network: whatever a Service of the cluster opens, this port stays closed to the others. */
function addFirewall(stack: TerraformStack, instance: Instance, { sourceRanges }: ConnectSide): void {
  const common = { network: networkPath(instance), direction: 'INGRESS' };
  const ports = [String(tunnelPort)];
  resource(stack, 'google_compute_firewall', 'agents', {
    ...common,
    name: 'postern-connect-agents',
    description: `Agents of ${instance.name}.`,
    priority: 900,
    source_ranges: sourceRanges.length === 0 ? ['0.0.0.0/0'] : sourceRanges,
    allow: [{ protocol: 'tcp', ports }],
  });
  if (sourceRanges.length === 0) return;
  resource(stack, 'google_compute_firewall', 'others', {
    ...common,
    name: 'postern-connect-others',
    description: `Nobody else.`,
    priority: 950,
    source_ranges: ['0.0.0.0/0'],
    deny: [{ protocol: 'tcp', ports }],
  });
}

type ServiceAccount = Handle<Resources['google_service_account']['attributes']>;

/** A service account that the pods of one Kubernetes service account may act as; no key exists. */
function addIdentity(
  stack: TerraformStack,
  { gcp }: Instance,
  role: 'server' | 'client',
  name: string,
): ServiceAccount {
  const account = resource(stack, 'google_service_account', role, {
    account_id: connectNames[role],
    display_name: name,
  });
  resource(stack, 'google_service_account_iam_member', `${role}_pods`, {
    service_account_id: account.ref('name'),
    role: 'roles/iam.workloadIdentityUser',
    member: `serviceAccount:${gcp.projectID}.svc.id.goog[${gcp.namespace}/${connectNames[role]}]`,
  });
  return account;
}

/** Agents whose identity is a service account of this project; other identities are made with `postern tunnel identity create`. */
function addAgents(stack: TerraformStack, { gcp }: Instance, { agents }: ConnectSide): void {
  const suffix = `@${gcp.projectID}.iam.gserviceaccount.com`;
  for (const agent of agents.filter((email) => email.endsWith(suffix))) {
    const id = agent.slice(0, -suffix.length);
    resource(stack, 'google_service_account', `agent_${id.replaceAll('-', '_')}`, {
      account_id: id,
      display_name: 'Tunnel agent of the customer. Its key is handed over once.',
    });
  }
}

function addAuthority(stack: TerraformStack, instance: Instance, server: ServiceAccount) {
  const { region } = instance.gcp;
  const pool = resource(stack, 'google_privateca_ca_pool', 'peers', {
    name: connectNames.caPool,
    location: region,
    // For short-lived certificates by the thousand: nothing is revoked one by one, it expires within the day.
    tier: 'DEVOPS',
    labels: stackTags(instance),
    publishing_options: { publish_ca_cert: true, publish_crl: false },
    issuance_policy: {
      maximum_lifetime: `${24 * 3600}s`,
      allowed_key_types: [{ elliptic_curve: { signature_algorithm: 'ECDSA_P256' } }],
    },
  });
  resource(
    stack,
    'google_privateca_certificate_authority',
    'root',
    {
      pool: pool.ref('name'),
      location: region,
      certificate_authority_id: 'postern-connect-root',
      type: 'SELF_SIGNED',
      lifetime: `${caLifetimeSeconds}s`,
      deletion_protection: true,
      key_spec: { algorithm: 'EC_P256_SHA256' },
      config: {
        subject_config: { subject: { common_name: `Postern tunnel of ${instance.name}`, organization: 'Postern' } },
        x509_config: {
          ca_options: { is_ca: true, max_issuer_path_length: 0 },
          key_usage: { base_key_usage: { cert_sign: true, crl_sign: true }, extended_key_usage: {} },
        },
      },
    },
    // Every agent trusts it; its id cannot be used again for 30 days.
    { lifecycle: { prevent_destroy: true } },
  );
  resource(stack, 'google_privateca_ca_pool_iam_member', 'server', {
    ca_pool: pool.ref('id'),
    role: 'roles/privateca.certificateRequester',
    member: `serviceAccount:${server.ref('email')}`,
  });
  return pool;
}

function addLog(stack: TerraformStack, { gcp, name }: Instance): void {
  const bucket = resource(stack, 'google_logging_project_bucket_config', 'audit', {
    project: gcp.projectID,
    location: gcp.region,
    bucket_id: connectNames.logBucket,
    retention_days: retentionDays,
    description: `Audit log of ${name}'s tunnel.`,
  });
  resource(stack, 'google_logging_project_sink', 'audit', {
    name: connectNames.logBucket,
    destination: `logging.googleapis.com/${bucket.ref('id')}`,
    filter: auditFilter,
    unique_writer_identity: true,
  });
  const metric = resource(stack, 'google_logging_metric', 'refused', {
    name: connectNames.metric,
    description: 'Sessions, certificates and connections that the tunnel refused.',
    filter: refusedFilter,
    metric_descriptor: { metric_kind: 'DELTA', value_type: 'INT64', unit: '1' },
  });
  resource(stack, 'google_monitoring_alert_policy', 'refused', {
    display_name: `${name}: the tunnel refused access`,
    combiner: 'OR',
    severity: 'WARNING',
    conditions: [
      {
        display_name: 'refused accesses',
        condition_threshold: {
          filter: `metric.type="logging.googleapis.com/user/${metric.ref('name')}" AND resource.type="k8s_container"`,
          comparison: 'COMPARISON_GT',
          threshold_value: 0,
          duration: '0s',
          aggregations: [{ alignment_period: '300s', per_series_aligner: 'ALIGN_DELTA' }],
        },
      },
    ],
    documentation: {
      mime_type: 'text/markdown',
      content: 'Who was refused, and why: `postern tunnel audit --event connection.refuse`.',
    },
  });
}
