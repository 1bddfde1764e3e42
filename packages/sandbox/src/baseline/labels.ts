/** The labels the platform sets and guards. PURE. */

/** On every namespace: whose it is. Only the platform may set it (admission holds that), so that policies may select by it. */
export const tenantLabel = 'postern.dev/tenant';

export const managedBy = { 'app.kubernetes.io/managed-by': 'postern' } as const;

/** The API server sets this one itself; nobody can spoof it. */
export const namespaceNameLabel = 'kubernetes.io/metadata.name';

/** The group that CI's deploy role of a tenant is mapped to. */
export function deployerGroup(tenant: string): string {
  return `tenant:${tenant}:deployer`;
}

/** The field manager of server-side apply, and what prune goes by. */
export const fieldManager = 'postern';

/** A Kubernetes object as we write it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}
