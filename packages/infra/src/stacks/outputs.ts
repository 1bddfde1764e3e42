/** What applied stacks gave, read field by field: a value that is missing or of another type is simply not known yet. */
import type { StackName } from './names.ts';

export type StackOutputs = Partial<Record<StackName, Readonly<Record<string, unknown>>>>;

export interface KnownOutputs {
  /** Egress addresses. */
  readonly allowlist: readonly string[];
  /** Regional names of the endpoints, by service id (`vpce-svc-...`). */
  readonly endpointNames: Readonly<Record<string, string>>;
  readonly clusterDNS: string | undefined;
  readonly servicesCIDR: string | undefined;
  /** Where agents dial. */
  readonly connectAddress: string | undefined;
}

export function knownOutputs({ nat, gke, awsvpn, connect }: StackOutputs): KnownOutputs {
  const names = awsvpn?.['endpoint_dns_names'];
  return {
    allowlist: texts(nat?.['allowlist']),
    endpointNames: Object.fromEntries(
      Object.entries(typeof names === 'object' && names !== null ? names : {}).flatMap(([service, name]) =>
        typeof name === 'string' && name !== '' ? [[service, name]] : [],
      ),
    ),
    clusterDNS: text(gke?.['cluster_dns']),
    servicesCIDR: text(gke?.['services_cidr']),
    connectAddress: text(connect?.['address']),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
