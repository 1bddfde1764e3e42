/** The network policies of one namespace of a tenant. PURE. Default deny both ways, then the least that work needs. */
import { cidrText } from '@postern/core';
import { type Manifest, managedBy, namespaceNameLabel, tenantLabel } from './labels.ts';
import type { Egress, Grant, Tenant } from './tenant.ts';

/** Where the cluster's DNS runs, in every distribution we know of. */
const dns = { namespace: 'kube-system', podLabels: { 'k8s-app': 'kube-dns' } } as const;

/** Never part of "the Internet": private ranges (nodes, VPC, other tenants' pods), link-local (metadata), shared address space. */
const notInternet = {
  4: ['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
  6: ['::1/128', 'fc00::/7', 'fe80::/10'],
} as const;

export function networkPolicies(tenant: Tenant, namespace: string, grants: readonly Grant[]): Manifest[] {
  const everything = { podSelector: {} };
  const own = { namespaceSelector: { matchLabels: { [tenantLabel]: tenant.name } } };
  const policies = [
    policy(tenant, namespace, 'default-deny', { ...everything, policyTypes: ['Ingress', 'Egress'] }),
    policy(tenant, namespace, 'allow-dns', {
      ...everything,
      policyTypes: ['Egress'],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { [namespaceNameLabel]: dns.namespace } },
              podSelector: { matchLabels: dns.podLabels },
            },
          ],
          // TCP too: answers above 1232 bytes are fetched again over it.
          ports: [
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
      ],
    }),
    policy(tenant, namespace, 'allow-same-tenant', {
      ...everything,
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [own] }],
      egress: [{ to: [own] }],
    }),
  ];
  if (tenant.ingressFrom.length > 0)
    policies.push(
      policy(tenant, namespace, 'allow-platform', {
        ...everything,
        policyTypes: ['Ingress'],
        ingress: [
          {
            from: tenant.ingressFrom.map((name) => ({
              namespaceSelector: { matchLabels: { [namespaceNameLabel]: name } },
            })),
          },
        ],
      }),
    );
  if (tenant.egress.length > 0)
    policies.push(
      policy(tenant, namespace, 'allow-egress', {
        ...everything,
        policyTypes: ['Egress'],
        egress: tenant.egress.map(egressRule),
      }),
    );
  for (const grant of grants) policies.push(grantPolicy(tenant, namespace, grant));
  return policies;
}

function egressRule({ cidr, ports, protocol }: Egress) {
  // A network as wide as the Internet would take in the node next door; a narrow one is meant as written.
  const wide = cidr.prefix === 0;
  return {
    to: [{ ipBlock: { cidr: cidrText(cidr), ...(wide ? { except: notInternet[cidr.family] } : {}) } }],
    ports: ports.map((port) => ({ protocol: protocol ?? 'TCP', port })),
  };
}

/** One half of a grant: the caller's way out, or the called one's way in. Both are needed. */
function grantPolicy(tenant: Tenant, namespace: string, grant: Grant): Manifest {
  const protocol = grant.protocol ?? 'TCP';
  const ports = [{ protocol, port: grant.port }];
  const other = {
    namespaceSelector: { matchLabels: { [tenantLabel]: grant.from === tenant.name ? grant.to : grant.from } },
  };
  const called = grant.podLabels === undefined ? {} : { podSelector: { matchLabels: grant.podLabels } };
  const name = `grant-${grant.from}-to-${grant.to}-${protocol.toLowerCase()}-${grant.port}${suffix(grant)}`;
  const notes = { 'postern.dev/approver': grant.approver, 'postern.dev/expiry': new Date(grant.expiry).toISOString() };
  if (grant.from === tenant.name)
    return policy(
      tenant,
      namespace,
      name,
      { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [{ ...other, ...called }], ports }] },
      notes,
    );
  return policy(
    tenant,
    namespace,
    name,
    {
      podSelector: grant.podLabels === undefined ? {} : { matchLabels: grant.podLabels },
      policyTypes: ['Ingress'],
      ingress: [{ from: [other], ports }],
    },
    notes,
  );
}

/** Two grants may differ in their labels alone. */
function suffix({ podLabels }: Grant): string {
  if (podLabels === undefined) return '';
  const text = Object.entries(podLabels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(',');
  // FNV-1a: a short stable name; that two sets collide is checked, not hoped (check.ts: duplicate objects).
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return `-${hash.toString(16).padStart(8, '0')}`;
}

function policy(
  tenant: Tenant,
  namespace: string,
  name: string,
  spec: Record<string, unknown>,
  annotations?: Record<string, string>,
): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: {
      name: `postern-${name}`,
      namespace,
      labels: { ...managedBy, [tenantLabel]: tenant.name },
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec,
  };
}
