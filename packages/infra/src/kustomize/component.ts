/** What every component has: the images entry, the patches that find their workloads by label, a locked-down container. */
import type { ImageReference } from './input.ts';

/** The name that manifests use; the `images` entry of each component puts the real one in its place. */
export const imageName = 'postern';

/** Label of a Deployment or StatefulSet whose pods get the sidecar. */
export const workloadLabels = {
  dnsProxy: 'postern.dev/dns-proxy',
  connectClient: 'postern.dev/connect-client',
} as const;

const workloads = ['Deployment', 'StatefulSet'] as const;

export function images({ repository, tag, digest }: ImageReference): object[] {
  return [{ name: imageName, newName: repository, ...(digest === undefined ? { newTag: tag } : { digest }) }];
}

export interface Selected {
  readonly kind: string;
  readonly labelSelector: string;
}

export function selected(label: string): Selected[] {
  return workloads.map((kind) => ({ kind, labelSelector: `${label}=true` }));
}

/** One patch file a kind; each entry of `patches` selects by label, so the name in the file is of no account. */
export function podPatches(label: string, podSpec: object): { files: Map<string, object>; patches: object[] } {
  const files = new Map<string, object>();
  const patches = selected(label).map((target) => {
    const path = `${target.kind.toLowerCase()}.yaml`;
    files.set(path, {
      apiVersion: 'apps/v1',
      kind: target.kind,
      metadata: { name: 'by-label' },
      spec: { template: { spec: podSpec } },
    });
    return { path, target };
  });
  return { files, patches };
}

export function componentKustomization(content: object): object {
  return { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component', ...content };
}

/** Nothing but what the program needs. `add` for a port below 1024. */
export function securityContext(add: readonly string[] = []): object {
  return {
    runAsNonRoot: true,
    runAsUser: 65532,
    runAsGroup: 65532,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'], ...(add.length > 0 && { add }) },
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** Asks the daemon's own admin endpoint, which listens on loopback and is out of the kubelet's reach. */
export function adminProbe(port: number, path: string, timing: object): object {
  return { exec: { command: ['postern', 'health', `http://127.0.0.1:${port}${path}`] }, timeoutSeconds: 5, ...timing };
}
