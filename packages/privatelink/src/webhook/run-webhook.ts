import { writeFileSync } from 'node:fs';
import { type Clock, type ListenAddress, PosternError } from '@postern/core';
import { createLogger } from '@postern/daemon';
import {
  anyKind,
  ClusterEditor,
  FilesEditor,
  isStatus,
  KubeApi,
  KubernetesStore,
  type ResourceEditor,
  type StoreSource,
} from '@postern/resources';
import { component } from '../component.ts';
import { hiveConfigKind, hiveConfigName, privateLinkKinds } from '../kinds/index.ts';
import { CertificateKeeper, type Kept } from './certificate-keeper.ts';
import { configurationName, type Reach, webhookConfiguration } from './configuration.ts';
import { type AdmissionRequest, judge, type Verdict } from './review.ts';
import { startServer, type WebhookServer } from './server.ts';

/** The admission webhook as a daemon: certificate, configuration in the cluster, answers. */

export interface WebhookOptions {
  readonly source: StoreSource;
  readonly listen: ListenAddress;
  /** How the API server reaches us; undefined: the address we listen at. */
  readonly reach: Reach | undefined;
  /** Where replicas keep their certificate together. */
  readonly tlsSecret: { readonly namespace: string; readonly name: string } | undefined;
  /** The roots are written here too; without a cluster that is the only place. */
  readonly caFile: string | undefined;
  readonly certificateLifetimeMs: number;
  /** Between looks at the certificate and the configuration. */
  readonly checkMs: number;
  readonly logLevel: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

type Log = ReturnType<typeof createLogger>;

/** What the API server needs to take up a new root before it meets its certificate. */
const trustMs = 2000;
const place = { namespace: '', name: hiveConfigName };

export async function runWebhook(options: WebhookOptions): Promise<void> {
  const { source, clock, signal, tlsSecret, certificateLifetimeMs } = options;
  const log = createLogger({ name: 'webhook', level: options.logLevel });
  const api = source.kind === 'cluster' ? await KubeApi.open(source) : undefined;
  const editor: ResourceEditor = source.kind === 'cluster' ? new ClusterEditor(api!) : new FilesEditor(source.folder);
  if (api === undefined && options.caFile === undefined)
    throw new PosternError('WEBHOOK_CA', 'without a cluster the root certificate goes into a file', {
      hint: 'give --ca-file FILE, or --kubeconfig FILE',
      exitCode: 2,
    });
  const hub = await readHub(options, api, editor, log);
  let ready: string | undefined = 'starting';
  let server: WebhookServer | undefined;
  try {
    const names = namesOf(options);
    const shared = tlsSecret === undefined ? undefined : { editor, ...tlsSecret };
    const keeper = new CertificateKeeper({ names, clock, lifetimeMs: certificateLifetimeMs, shared });
    let kept = await keeper.look();
    server = await startServer({
      listen: options.listen,
      ...kept.current,
      notReady: () => ready,
      judge: (request) => judged(request, hub),
    });
    const { host, port } = server.address;
    const reach = options.reach ?? { kind: 'url', url: `https://${host.includes(':') ? `[${host}]` : host}:${port}` };
    await trust(options, api, reach, kept);
    ready = undefined;
    log.info({ listen: `${host}:${port}`, configuration: configurationName, ends: iso(kept) }, 'ready');
    while (!signal.aborted) {
      await clock.sleep(options.checkMs, signal).catch(() => {});
      if (signal.aborted) break;
      try {
        const next = await keeper.look();
        await trust(options, api, reach, next);
        if (next.current.certPem === kept.current.certPem) continue;
        await clock.sleep(trustMs, signal).catch(() => {});
        server.use(next.current);
        kept = next;
        log.info({ ends: iso(kept) }, 'a new certificate is served');
      } catch (error) {
        log.warn(
          { error, ends: iso(kept) },
          'the certificate or its configuration could not be looked at; trying again',
        );
      }
    }
    log.info('stopped');
  } finally {
    await server?.close();
    await hub.close();
  }
}

interface Hub {
  /** The HiveConfig's spec as last seen. */
  readonly seen: () => Promise<unknown>;
  /** Read now. */
  readonly fresh: () => Promise<unknown>;
  close(): Promise<void>;
}

async function readHub(
  options: WebhookOptions,
  api: KubeApi | undefined,
  editor: ResourceEditor,
  log: Log,
): Promise<Hub> {
  const fresh = async (): Promise<unknown> => (await editor.read(anyKind(hiveConfigKind), place))?.['spec'];
  if (api === undefined) return { seen: fresh, fresh, close: async () => {} };
  const { clock, random, signal } = options;
  const store = await KubernetesStore.open(
    {
      api,
      kinds: [anyKind(hiveConfigKind)],
      clock,
      random,
      mode: 'watch',
      component,
      onTrouble: (kind, error) => log.warn({ kind, error }, 'a watch was interrupted; it goes on'),
    },
    signal,
  );
  return {
    seen: async () => (await store.get(hiveConfigKind, place))?.spec,
    fresh,
    close: () => store.close(),
  };
}

/** Refused by what was seen of the hub is asked again of what is there now: `kubectl apply` of both comes in one breath. */
async function judged(request: AdmissionRequest, hub: Hub): Promise<Verdict> {
  const seen = await hub.seen();
  const verdict = judge(privateLinkKinds, request, () => seen);
  if (verdict.issues.length === 0) return verdict;
  const now = await hub.fresh();
  return judge(privateLinkKinds, request, () => now);
}

/** Makes the API server ask us and trust our root, before anybody serves under it. */
async function trust(options: WebhookOptions, api: KubeApi | undefined, reach: Reach, kept: Kept): Promise<void> {
  if (options.caFile !== undefined) writeFileSync(options.caFile, kept.bundlePem);
  if (api === undefined) return;
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  const body = webhookConfiguration(privateLinkKinds, reach, kept.bundlePem);
  const query = { fieldManager: component };
  const { signal } = options;
  try {
    // The list as a whole: of a Service in the manifests and a URL here only one may stay.
    const patch = { webhooks: body.webhooks };
    const contentType = 'application/merge-patch+json';
    await api.call('PATCH', `${path}/${configurationName}`, { body: patch, query, contentType, signal });
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
    await api.call('POST', path, { body, query, signal });
  }
}

/** The names under which the API server calls. */
function namesOf({ reach, listen }: WebhookOptions): string[] {
  if (reach === undefined) return [listen.host];
  if (reach.kind === 'url') return [new URL(reach.url).hostname.replace(/^\[|\]$/g, '')];
  const { name, namespace } = reach;
  return [`${name}.${namespace}.svc`, `${name}.${namespace}`, name];
}

function iso({ current }: Kept): string {
  return new Date(current.notAfterMs).toISOString();
}
