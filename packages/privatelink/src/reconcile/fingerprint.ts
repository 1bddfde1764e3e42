import { createHash } from 'node:crypto';
import type { Store } from '@postern/resources';
import { type HiveConfigSpec, targetNamespace } from '../kinds/hive-config.ts';
import type { Gate } from '../plan/gate.ts';
import { epochOf } from './prepare.ts';
import { linkKindOf, type LinkResource } from './link-kinds.ts';

/**
 * All that a pass depends on in the store, as one short text. While it stays the same and the time for the next look has not
 * come, an event (our own status write, say) costs no call to AWS.
 */
export async function fingerprint(
  store: Store,
  resource: LinkResource,
  config: HiveConfigSpec | undefined,
  gate: Extract<Gate, { kind: 'link' | 'clean-up' | 'clean-up-previous' }>,
): Promise<string> {
  const { namespace } = resource.metadata;
  const credentials = linkKindOf(resource)!.credentials(resource);
  const hub = config?.awsPrivateLink;
  const inHub = targetNamespace(config);
  const secrets: Array<{ namespace: string; name: string | undefined }> = [
    { namespace, name: credentials.secretRef?.name },
    { namespace, name: gate.ask.host.kind === 'kubeconfig' ? gate.ask.host.secretName : undefined },
    { namespace: inHub, name: hub?.credentialsSecretRef.name },
    { namespace: inHub, name: config?.serviceProviderCredentialsConfig?.aws?.credentialsSecretRef?.name },
    ...(hub?.associatedVPCs ?? []).map((vpc) => ({ namespace: inHub, name: vpc.credentialsSecretRef?.name })),
  ];
  const versions = await Promise.all(
    secrets.map(async ({ namespace, name }) =>
      name === undefined ? '' : ((await store.secret({ namespace, name }, { forCleanUp: true }))?.version ?? 'absent'),
    ),
  );
  const inputs = [
    resource.metadata.uid,
    resource.spec,
    epochOf(resource),
    gate,
    hub ?? null,
    inHub,
    credentials,
    versions,
  ];
  return createHash('sha256').update(JSON.stringify(inputs)).digest('base64');
}
