/** Quota classes: what one namespace of a tenant may use, and what a container gets that asks for nothing. PURE. */

export const quotaClasses = ['small', 'medium', 'large'] as const;
export type QuotaClass = (typeof quotaClasses)[number];

interface Size {
  readonly cpu: number;
  readonly memoryGiB: number;
  readonly pods: number;
  readonly volumes: number;
  readonly storageGiB: number;
  /** The largest single container: a quota alone would let one pod take all of it. */
  readonly containerCpu: number;
  readonly containerMemoryGiB: number;
}

/** Small holds one building block with its database (2 x 200m/1Gi in the published charts); each next class four times that. */
const sizes: Readonly<Record<QuotaClass, Size>> = {
  small: { cpu: 2, memoryGiB: 4, pods: 20, volumes: 5, storageGiB: 20, containerCpu: 2, containerMemoryGiB: 2 },
  medium: { cpu: 8, memoryGiB: 16, pods: 60, volumes: 15, storageGiB: 80, containerCpu: 4, containerMemoryGiB: 8 },
  large: { cpu: 32, memoryGiB: 64, pods: 200, volumes: 50, storageGiB: 320, containerCpu: 8, containerMemoryGiB: 16 },
};

/** `limits` are twice `requests`: bursts are fine, and a node is never promised to more than it has. */
export function quotaSpec(name: QuotaClass): { hard: Record<string, string> } {
  const size = sizes[name];
  return {
    hard: {
      'requests.cpu': String(size.cpu),
      'requests.memory': `${size.memoryGiB}Gi`,
      'limits.cpu': String(size.cpu * 2),
      'limits.memory': `${size.memoryGiB * 2}Gi`,
      'requests.storage': `${size.storageGiB}Gi`,
      persistentvolumeclaims: String(size.volumes),
      pods: String(size.pods),
      // Nothing of a tenant is reachable from outside except through the platform's ingress.
      'services.loadbalancers': '0',
      'services.nodeports': '0',
    },
  };
}

/** Defaults, or the quota would refuse every pod that states no requests. */
export function limitRangeSpec(name: QuotaClass): { limits: unknown[] } {
  const size = sizes[name];
  return {
    limits: [
      {
        type: 'Container',
        defaultRequest: { cpu: '100m', memory: '128Mi' },
        default: { cpu: '500m', memory: '512Mi' },
        max: { cpu: String(size.containerCpu), memory: `${size.containerMemoryGiB}Gi` },
      },
      { type: 'PersistentVolumeClaim', max: { storage: `${size.storageGiB}Gi` } },
    ],
  };
}

export function podsOf(name: QuotaClass): number {
  return sizes[name].pods;
}
