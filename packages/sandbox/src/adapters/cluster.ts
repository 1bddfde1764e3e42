/**
 * The Kubernetes API, as thin as we need it: read, list, server-side apply, delete. The official library gives the kubeconfig
 * and its ways to authenticate; its typed bodies rename fields (`from`), which is no way to send a NetworkPolicy.
 */
import { request } from 'node:https';
import { request as requestPlain } from 'node:http';
import { type KubeConfig } from '@kubernetes/client-node';
import { PosternError, errorCode } from '@postern/core';
import { type Manifest, fieldManager } from '../baseline/labels.ts';

export type Live = Manifest & {
  readonly metadata: { readonly resourceVersion?: string; readonly uid?: string; readonly deletionTimestamp?: string };
};

/** A cluster answers in milliseconds; a minute is a cluster that will not. */
const answerTimeoutMs = 60_000;

/** One page of a list. */
const pageItems = 500;

export interface ClusterOptions {
  readonly context?: string;
  readonly kubeconfig?: string;
  /** Acts as somebody else, as `kubectl --as` does. */
  readonly impersonate?: { readonly user: string; readonly groups: readonly string[] };
}

export class ApiError extends PosternError {
  override readonly name = 'ApiError';
  readonly status: number;
  constructor(status: number, message: string, hint?: string) {
    super('KUBERNETES', message, hint === undefined ? {} : { hint });
    this.status = status;
  }
}

export class Cluster {
  readonly #config: KubeConfig;
  readonly #impersonate: ClusterOptions['impersonate'];
  readonly #resources = new Map<
    string,
    Promise<ReadonlyMap<string, { readonly plural: string; readonly namespaced: boolean }>>
  >();

  private constructor(config: KubeConfig, impersonate: ClusterOptions['impersonate']) {
    this.#config = config;
    this.#impersonate = impersonate;
  }

  /** KUBECONFIG, ~/.kube/config or the pod's own account, in the order kubectl takes them. */
  static async open({ context, kubeconfig, impersonate }: ClusterOptions = {}): Promise<Cluster> {
    const { KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    try {
      if (kubeconfig === undefined) config.loadFromDefault();
      else config.loadFromFile(kubeconfig);
    } catch (error) {
      throw new PosternError(
        'KUBECONFIG',
        `the kubeconfig cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error, exitCode: 2 },
      );
    }
    if (context !== undefined) {
      if (config.getContextObject(context) === null)
        throw new PosternError('KUBECONFIG', `the kubeconfig has no context ${context}`, {
          hint: 'kubectl config get-contexts lists them',
          exitCode: 2,
        });
      config.setCurrentContext(context);
    }
    // Without any file the library invents this address.
    if (config.getCurrentCluster() === null || config.getCurrentCluster()?.server === 'http://localhost:8080')
      throw new PosternError('KUBECONFIG', 'no cluster is configured', {
        hint: 'set KUBECONFIG, or give --kubeconfig and --context',
        exitCode: 2,
      });
    return new Cluster(config, impersonate);
  }

  get name(): string {
    return this.#config.getCurrentContext();
  }

  get server(): string {
    return this.#config.getCurrentCluster()!.server;
  }

  /** For what needs the library itself (port-forward). */
  get config(): KubeConfig {
    return this.#config;
  }

  async version(signal?: AbortSignal): Promise<string> {
    return String(((await this.call('GET', '/version', { signal })) as { gitVersion?: string }).gitVersion);
  }

  /** The object, or undefined where there is none. */
  async read(
    object: Pick<Manifest, 'apiVersion' | 'kind'> & {
      readonly metadata: { readonly name: string; readonly namespace?: string };
    },
    signal?: AbortSignal,
  ): Promise<Live | undefined> {
    try {
      return (await this.call('GET', await this.path(object, object.metadata.namespace, object.metadata.name), {
        signal,
      })) as Live;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async list(
    apiVersion: string,
    kind: string,
    options: { readonly namespace?: string; readonly labels?: string; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Live[]> {
    const items: Live[] = [];
    let next = '';
    do {
      const query = new URLSearchParams({
        limit: String(pageItems),
        ...(options.labels === undefined ? {} : { labelSelector: options.labels }),
        ...(next === '' ? {} : { continue: next }),
      });
      const answer = (await this.call(
        'GET',
        `${await this.path({ apiVersion, kind }, options.namespace)}?${query.toString()}`,
        {
          signal: options.signal,
        },
      )) as { items?: Live[]; metadata?: { continue?: string } };
      // Items of a list come without what the list has said once.
      for (const item of answer.items ?? []) items.push({ ...item, apiVersion, kind });
      next = answer.metadata?.continue ?? '';
    } while (next !== '');
    return items;
  }

  /** Server-side apply. `force` takes over fields that someone else has set: what isolates is ours. */
  async apply(
    manifest: Manifest,
    options: { readonly dryRun?: boolean; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Live> {
    const { namespace, name } = manifest.metadata;
    const query = new URLSearchParams({
      fieldManager,
      force: 'true',
      ...(options.dryRun === true ? { dryRun: 'All' } : {}),
    });
    return (await this.call('PATCH', `${await this.path(manifest, namespace, name)}?${query.toString()}`, {
      body: manifest,
      contentType: 'application/apply-patch+yaml',
      signal: options.signal,
    })) as Live;
  }

  async create(manifest: Manifest, signal?: AbortSignal): Promise<Live> {
    return (await this.call('POST', await this.path(manifest, manifest.metadata.namespace), {
      body: manifest,
      signal,
    })) as Live;
  }

  async mergePatch(object: Manifest | Live, patch: unknown, signal?: AbortSignal): Promise<Live> {
    return (await this.call('PATCH', await this.path(object, object.metadata.namespace, object.metadata.name), {
      body: patch,
      contentType: 'application/merge-patch+json',
      signal,
    })) as Live;
  }

  /** False where it was gone already. */
  async remove(object: Pick<Manifest, 'apiVersion' | 'kind' | 'metadata'>, signal?: AbortSignal): Promise<boolean> {
    try {
      await this.call(
        'DELETE',
        `${await this.path(object, object.metadata.namespace, object.metadata.name)}?propagationPolicy=Background`,
        { signal },
      );
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  /** The path of a collection or an object; the API server says what its kinds are called in paths. */
  async path(
    { apiVersion, kind }: Pick<Manifest, 'apiVersion' | 'kind'>,
    namespace?: string,
    name?: string,
  ): Promise<string> {
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    let known = this.#resources.get(root);
    if (known === undefined) {
      known = this.#discover(root);
      this.#resources.set(root, known);
      known.catch(() => this.#resources.delete(root));
    }
    const resource = (await known).get(kind);
    if (resource === undefined)
      throw new ApiError(
        404,
        `the cluster has no kind ${kind} in ${apiVersion}`,
        'is it recent enough? ValidatingAdmissionPolicy needs 1.30',
      );
    const within = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
    return `${root}${within}/${resource.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
  }

  async isNamespaced(apiVersion: string, kind: string): Promise<boolean | undefined> {
    try {
      await this.path({ apiVersion, kind });
      const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      return (await this.#resources.get(root))?.get(kind)?.namespaced;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #discover(root: string) {
    const answer = (await this.call('GET', root, {})) as {
      resources?: Array<{ name: string; kind: string; namespaced: boolean }>;
    };
    return new Map(
      (answer.resources ?? [])
        .filter((r) => !r.name.includes('/'))
        .map((r) => [r.kind, { plural: r.name, namespaced: r.namespaced }]),
    );
  }

  async call(
    method: string,
    path: string,
    options: { readonly body?: unknown; readonly contentType?: string; readonly signal?: AbortSignal | undefined },
  ): Promise<unknown> {
    const url = new URL(`${this.server.replace(/\/$/, '')}${path}`);
    const settings: Parameters<typeof request>[1] = { method, headers: {} };
    // Plain HTTP is `kubectl proxy`, which has the credentials itself.
    if (url.protocol === 'https:') await this.#config.applyToHTTPSOptions(settings);
    const headers = settings.headers as Record<string, string | string[]>;
    headers['Accept'] = 'application/json';
    if (this.#impersonate !== undefined) {
      headers['Impersonate-User'] = this.#impersonate.user;
      if (this.#impersonate.groups.length > 0) headers['Impersonate-Group'] = [...this.#impersonate.groups];
    }
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    if (body !== undefined) headers['Content-Type'] = options.contentType ?? 'application/json';
    const signal = AbortSignal.any([
      AbortSignal.timeout(answerTimeoutMs),
      ...(options.signal === undefined ? [] : [options.signal]),
    ]);
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const send = url.protocol === 'http:' ? requestPlain : request;
      const sent = send(url, { ...settings, signal }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
        answer.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    }).catch((error: unknown) => {
      throw unreachable(this.server, error);
    });
    return understand(status, text, method, path);
  }
}

/** Foreign errors become ours here and nowhere else. */
function unreachable(server: string, error: unknown): PosternError {
  const code = errorCode(error) ?? (error instanceof Error ? error.name : 'unknown');
  return new PosternError('KUBERNETES_UNREACHABLE', `${server} cannot be reached (${code})`, {
    hint: 'is the cluster up, and is it the right context?',
    cause: error,
  });
}

function understand(status: number, text: string, method: string, path: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (status >= 200 && status < 300) return value;
  const said =
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
      ? value.message
      : text.slice(0, 300);
  throw new ApiError(
    status,
    said === '' ? `${method} ${path.split('?')[0]}: HTTP ${status}` : said,
    status === 401 ? 'the kubeconfig’s credentials were refused' : undefined,
  );
}
