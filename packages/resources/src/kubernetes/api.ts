import { existsSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { Agent, request, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { errorCode } from '@postern/core';
import { fromStatus, kubeconfigProblem, KubeUnreachable } from './errors.ts';
import { linesOf } from './lines.ts';

/**
 * The Kubernetes API, as thin as we need it. The official library reads the kubeconfig and knows the ways to authenticate; its
 * typed bodies rename fields and drop what they do not know, which a store that must give back what it got cannot use.
 */

/** Which cluster, as whom. */
export interface ClusterSource {
  /** A kubeconfig file; undefined: KUBECONFIG, ~/.kube/config or the pod's own account, in kubectl's order. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** The pod's own account and nothing else. */
  readonly inCluster?: boolean | undefined;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

/** A cluster answers in milliseconds; a minute is a cluster that will not. */
const answerTimeoutMs = 60_000;
/** "Too many requests" (priority and fairness) and a server that is just starting say when to come back. */
const busyRetriesMax = 4;
const busyWaitMsMax = 10_000;
/** TCP's own question whether the other side lives: a watch is silent for minutes. */
const keepAliveMs = 30_000;
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** True inside a pod that has an account. */
export function inPod(environment: Readonly<Record<string, string | undefined>>): boolean {
  return environment['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(join(accountFolder, 'token'));
}

/** The namespace of this pod. */
export function podNamespace(): string {
  return readFileSync(join(accountFolder, 'namespace'), 'utf8').trim();
}

export class KubeApi {
  /** For what needs the library itself (port-forward). */
  readonly config: KubeConfig;
  readonly #agents = new WeakMap<object, Agent>();

  constructor(config: KubeConfig) {
    this.config = config;
  }

  static async open({ kubeconfig, context, inCluster }: ClusterSource): Promise<KubeApi> {
    const { KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    try {
      if (inCluster === true) config.loadFromCluster();
      else if (kubeconfig === undefined) config.loadFromDefault();
      else config.loadFromFile(kubeconfig);
    } catch (error) {
      throw kubeconfigProblem(
        `the kubeconfig cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        'name a kubeconfig file: --kubeconfig FILE',
        error,
      );
    }
    if (context !== undefined) {
      if (config.getContextObject(context) === null)
        throw kubeconfigProblem(`the kubeconfig has no context ${context}`, 'kubectl config get-contexts lists them');
      config.setCurrentContext(context);
    }
    const server = config.getCurrentCluster()?.server;
    // Without any file the library invents this address.
    if (server === undefined || server === 'http://localhost:8080' || !URL.canParse(server))
      throw kubeconfigProblem(
        kubeconfig === undefined ? 'no cluster is configured' : `${kubeconfig} names no cluster in its current context`,
        'set KUBECONFIG, or give --kubeconfig FILE and --context NAME',
      );
    return new KubeApi(config);
  }

  get server(): string {
    return this.config.getCurrentCluster()!.server;
  }

  get contextName(): string {
    return this.config.getCurrentContext();
  }

  /** Where a namespaced thing goes when nobody names one: the context's, the pod's own, else `default`. */
  get namespace(): string {
    return this.config.getContextObject(this.config.getCurrentContext())?.namespace ?? 'default';
  }

  /** One request and its answer as JSON. Throws `KubeError` for a refusal, `KubeUnreachable` for no answer. */
  async call<T = unknown>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#send(method, path, options);
      const text = await this.#text(answer);
      const status = answer.statusCode ?? 0;
      const retryAfterMs = Number(answer.headers['retry-after'] ?? Number.NaN) * 1000;
      if ((status === 429 || status === 503) && retryAfterMs >= 0 && attempt < busyRetriesMax) {
        await delay(Math.min(retryAfterMs, busyWaitMsMax), undefined, signalOf(options));
        continue;
      }
      const value = parse(text);
      if (status >= 200 && status < 300) return value as T;
      throw fromStatus(status, value, `${method} ${path}`);
    }
  }

  /** A watch: one JSON value a line, until the server ends it, the signal aborts or nothing comes for `idleMs`. */
  async *stream(path: string, options: CallOptions & { readonly idleMs: number }): AsyncGenerator {
    const answer = await this.#send('GET', path, options);
    if (answer.statusCode !== 200)
      throw fromStatus(answer.statusCode ?? 0, parse(await this.#text(answer)), `watch ${path}`);
    answer.setTimeout(options.idleMs, () => answer.destroy());
    try {
      for await (const line of linesOf(answer)) yield parse(line);
    } catch (error) {
      if (options.signal?.aborted === true) return;
      throw new KubeUnreachable(this.server, error);
    } finally {
      answer.destroy();
    }
  }

  async #text(answer: IncomingMessage): Promise<string> {
    const parts: Buffer[] = [];
    try {
      for await (const part of answer) parts.push(part as Buffer);
    } catch (error) {
      throw new KubeUnreachable(this.server, error);
    }
    return Buffer.concat(parts).toString();
  }

  async #send(method: string, path: string, options: CallOptions): Promise<IncomingMessage> {
    const query = Object.entries(options.query ?? {}).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const search = query.length === 0 ? '' : `?${new URLSearchParams(query).toString()}`;
    const url = new URL(`${this.server.replace(/\/$/, '')}${path}${search}`);
    const settings: RequestOptions = { method, headers: {} };
    // Plain HTTP is `kubectl proxy`, which has the credentials itself.
    if (url.protocol === 'https:') await this.config.applyToHTTPSOptions(settings);
    const headers = settings.headers as Record<string, string | string[]>;
    headers['Accept'] = options.accept ?? 'application/json';
    Object.assign(headers, options.headers);
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    if (body !== undefined) {
      headers['Content-Type'] = options.contentType ?? 'application/json';
      headers['Content-Length'] = String(Buffer.byteLength(body));
    }
    if (settings.agent instanceof Agent) settings.agent = this.#lasting(settings.agent);
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#once(url, settings, body, options);
      if ('answer' in outcome) return outcome.answer;
      // The server closed an idle connection in the moment we used it: that is no answer and no trouble.
      const stale = outcome.reused && ['ECONNRESET', 'EPIPE'].includes(errorCode(outcome.error) ?? '');
      if (!stale || attempt >= 2) throw new KubeUnreachable(this.server, outcome.error);
    }
  }

  #once(
    url: URL,
    settings: RequestOptions,
    body: string | undefined,
    options: CallOptions,
  ): Promise<{ answer: IncomingMessage } | { error: unknown; reused: boolean }> {
    const send = url.protocol === 'http:' ? requestPlain : request;
    const limit = AbortSignal.timeout(Math.ceil(options.timeoutMs ?? answerTimeoutMs));
    return new Promise((resolve) => {
      const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
      const abort = (): void => void sent.destroy(signal.reason as Error);
      const sent = send(url, settings, (answer) => {
        // From here on the reader decides how long it takes: a watch lasts.
        signal.removeEventListener('abort', abort);
        const end = (): void => void answer.destroy(options.signal?.reason as Error);
        options.signal?.addEventListener('abort', end, { once: true });
        answer.once('close', () => options.signal?.removeEventListener('abort', end));
        resolve({ answer });
      });
      sent.on('error', (error) => {
        signal.removeEventListener('abort', abort);
        resolve({ error, reused: sent.reusedSocket });
      });
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
      sent.end(body);
    });
  }

  /** The library's agent opens a connection for every request; a controller makes thousands. */
  #lasting(agent: Agent): Agent {
    const known = this.#agents.get(agent);
    if (known !== undefined) return known;
    if (agent.constructor !== Agent) return agent; // one of a proxy
    const lasting = new Agent({ ...agent.options, keepAlive: true, keepAliveMsecs: keepAliveMs, maxFreeSockets: 32 });
    this.#agents.set(agent, lasting);
    return lasting;
  }
}

function signalOf({ signal }: CallOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 300) };
  }
}
