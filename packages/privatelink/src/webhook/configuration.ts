import type { ResourceKind } from '@postern/resources';

/** The ValidatingWebhookConfiguration: what the API server asks about, and where. PURE. */

/** How the API server reaches the webhook: a Service in the cluster, or a URL. */
export type Reach =
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'url'; readonly url: string };

export const configurationName = 'postern-privatelink';
export const validatePath = '/validate';
/** The API server waits this long for an answer, and then refuses. */
const timeoutSeconds = 10;

export function webhookConfiguration(
  kinds: readonly ResourceKind[],
  reach: Reach | undefined,
  caBundlePem: string | undefined,
) {
  const ca = caBundlePem === undefined ? {} : { caBundle: Buffer.from(caBundlePem).toString('base64') };
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: configurationName, labels: { 'app.kubernetes.io/part-of': 'postern' } },
    webhooks: kinds
      .filter(({ attachment, apiVersion }) => !attachment && apiVersion.includes('/'))
      .map((kind) => {
        const [group, version] = kind.apiVersion.split('/') as [string, string];
        return {
          name: `${kind.plural}.privatelink.postern.dev`,
          clientConfig: { ...(reach === undefined ? {} : clientOf(reach)), ...ca },
          rules: [
            {
              apiGroups: [group],
              apiVersions: [version],
              operations: ['CREATE', 'UPDATE'],
              resources: [kind.plural],
              scope: kind.scope,
            },
          ],
          // Finalizers, annotations and what is being deleted never wait for the webhook: a controller must be able to let go
          // of an object while it is down.
          matchConditions: [
            {
              name: 'spec-is-new',
              expression:
                '!has(object.metadata.deletionTimestamp) && (oldObject == null || object.spec != oldObject.spec)',
            },
          ],
          // Nobody answers: nobody is let in. What is there stays as it is.
          failurePolicy: 'Fail',
          matchPolicy: 'Equivalent',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          timeoutSeconds,
        };
      }),
  };
}

function clientOf(reach: Reach): object {
  return reach.kind === 'url'
    ? { url: `${reach.url.replace(/\/$/, '')}${validatePath}` }
    : { service: { namespace: reach.namespace, name: reach.name, path: validatePath, port: 443 } };
}
