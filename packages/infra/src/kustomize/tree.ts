/** kubernetes/: the generated root over the operator's base, and one component a feature. */
import type { Problem } from '../config/check.ts';
import type { Instance } from '../config/model.ts';
import { connectClient } from './connect-client.ts';
import { connectServer } from './connect-server.ts';
import { dnsProxy } from './dns-proxy.ts';
import type { Component, KustomizeInput } from './input.ts';
import { yamlFile } from './yaml.ts';

type Make = (input: KustomizeInput) => Component;

const components: ReadonlyArray<readonly [name: string, wanted: (instance: Instance) => boolean, make: Make]> = [
  // First: the proxy's own server is looked up through it.
  ['dns-proxy', ({ routes }) => routes.length > 0, dnsProxy],
  ['connect-server', ({ connect }) => connect !== undefined, connectServer],
  ['connect-client', ({ connect }) => connect !== undefined, connectClient],
];

export function kustomizeTree(input: KustomizeInput): Component {
  const wanted = components.filter(([, isWanted]) => isWanted(input.instance));
  const made = wanted.map(([, , make]) => make(input));
  const problems: Problem[] = made.flatMap((component) => component.problems);
  const root = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: ['base'],
    ...(wanted.length > 0 && { components: wanted.map(([name]) => name) }),
  };
  const files = new Map([['kustomization.yaml', yamlFile(root)]]);
  for (const component of made) for (const [path, text] of component.files) files.set(path, text);
  if (wanted.length > 0 && input.image.digest === undefined)
    problems.push({
      severity: 'warning',
      path: ['spec'],
      message: `the image is named by its tag ${input.image.tag}, which can be moved; pin it with: postern images lock`,
    });
  return { files, problems };
}

/** Written once, where the operator has none; never touched again. */
export const baseKustomization = `# Yours: the product's own manifests. postern writes this file once and never again.
# A Deployment or StatefulSet gets a sidecar by its labels:
#   postern.dev/dns-proxy: "true"        private names are rewritten
#   postern.dev/connect-client: "true"   the tunnel's client, and proxy settings for the first container
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: []
`;
