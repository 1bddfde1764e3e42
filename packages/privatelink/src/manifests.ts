import { stringify } from 'yaml';
import { definitions } from './definitions.ts';
import { privateLinkKinds } from './kinds/index.ts';
import { webhookConfiguration } from './webhook/configuration.ts';

/** The manifests that are made of the code, by path below `packages/privatelink/manifests`; the others are written by hand. PURE. */
export function generatedManifests(): ReadonlyMap<string, string> {
  const note = '# Made of the schemas by tools/manifests.ts; change those.\n';
  const files = new Map<string, string>();
  for (const crd of definitions({ hive: true })) {
    const [plural, group] = [crd.metadata.name.split('.')[0], String(crd.spec['group'])];
    const folder = group === 'postern.dev' ? 'base/crds' : 'hive-crds';
    files.set(`${folder}/${plural}.yaml`, `${note}${stringify(crd, options)}`);
  }
  const reach = { kind: 'service', namespace: 'postern-privatelink', name: 'postern-privatelink-webhook' } as const;
  const configuration = webhookConfiguration(privateLinkKinds, reach, undefined);
  files.set('base/webhook-configuration.yaml', `${note}${stringify(configuration, options)}`);
  return files;
}

/** No folding: one line of the schema is one line of a difference. */
const options = { lineWidth: 0 };
