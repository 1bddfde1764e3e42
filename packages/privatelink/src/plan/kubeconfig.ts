import { parseHost } from '@postern/core';
import { parse } from 'yaml';

/** The API's host name out of an admin kubeconfig, which is the name that the private zone takes over. */

export type ApiHost =
  | { readonly kind: 'host'; readonly name: string }
  | { readonly kind: 'none'; readonly reason: string };

/** Far above any kubeconfig; bounds the parser. */
const kubeconfigBytesMax = 1024 * 1024;

interface Named {
  readonly name?: unknown;
  readonly cluster?: { readonly server?: unknown } | null;
  readonly context?: { readonly cluster?: unknown; readonly user?: unknown } | null;
  readonly user?: { readonly exec?: unknown } | null;
}

/** @param values the Secret's keys: `raw-kubeconfig` is the installer's own and wins over `kubeconfig`, which may be dressed up */
export function apiHost(values: { get(key: string): string | undefined }): ApiHost {
  const text = values.get('raw-kubeconfig') ?? values.get('kubeconfig');
  if (text === undefined) return none('has neither raw-kubeconfig nor kubeconfig');
  if (text.length > kubeconfigBytesMax) return none('is larger than 1 MiB');
  let document: Record<string, unknown>;
  try {
    document = parse(text, { maxAliasCount: 10 }) as Record<string, unknown>;
  } catch {
    return none('is not YAML'); // the parser's message could quote a key
  }
  if (typeof document !== 'object' || document === null) return none('is not a kubeconfig');
  const list = (key: string): readonly Named[] => (Array.isArray(document[key]) ? (document[key] as Named[]) : []);
  const current = document['current-context'];
  const contexts = list('contexts');
  const context = contexts.find(({ name }) => name === current) ?? (contexts.length === 1 ? contexts[0] : undefined);
  const clusters = list('clusters');
  const cluster =
    context === undefined
      ? clusters.length === 1
        ? clusters[0]
        : undefined
      : clusters.find(({ name }) => name === context.context?.cluster);
  const user = list('users').find(({ name }) => name === context?.context?.user);
  if (user?.user?.exec !== undefined) return none('uses an exec credential plugin, which is refused');
  const server = cluster?.cluster?.server;
  if (typeof server !== 'string') return none('has no server for its current context');
  return hostOf(server);
}

function hostOf(server: string): ApiHost {
  const withScheme = /^[a-z]+:\/\//i.test(server) ? server : `https://${server}`;
  if (!URL.canParse(withScheme)) return none('has a server that is not a URL');
  const host = parseHost(new URL(withScheme).hostname.replace(/^\[|\]$/g, ''));
  if (host.kind === 'name') return { kind: 'host', name: host.name };
  return none(
    host.kind === 'ip'
      ? 'has an address as its server; a private zone needs a name'
      : 'has a server without a host name',
  );
}

function none(reason: string): ApiHost {
  return { kind: 'none', reason };
}
