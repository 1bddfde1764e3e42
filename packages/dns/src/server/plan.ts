/**
 * The configuration file, resolv.conf and this machine's addresses, read into one plain object. The running proxy gets only that:
 * what reads YAML and checks schemas takes 20 MB, which a sidecar should not hold for ever.
 */
import { readFileSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, resolve } from 'node:path';
import { type ListenAddress, parseHost, PosternError } from '@postern/core';
import { readConfig } from '@postern/daemon';
import { resolverText, type ResolverAddress } from '../zones/address.ts';
import { configSchema, type DnsProxyConfig, isSelf } from '../zones/config.ts';
import { originalOf, parseResolvConf, rewrittenResolvConf } from '../zones/resolv-conf.ts';
import type { RouteSpec } from '../zones/routes.ts';

export interface Plan {
  readonly listen: ListenAddress;
  readonly admin?: ListenAddress | undefined;
  readonly adminTokenFile?: string | undefined;
  readonly upstreams: readonly ResolverAddress[];
  readonly routes: readonly RouteSpec[];
  /** Domains that resolver libraries append to names. */
  readonly search: readonly string[];
  readonly cache: { readonly entries: number; readonly maxTtlMs: number };
  readonly resolvConf: { readonly path: string; readonly original: string; readonly rewritten: string } | undefined;
  /** Whose change means a new plan. */
  readonly watched: readonly string[];
  readonly warnings: readonly string[];
}

/** Far above any real resolv.conf. */
const resolvConfBytesMax = 1 << 20;

export function loadPlan(file: string): Plan {
  const config = readConfig(file, configSchema);
  const base = dirname(resolve(file));
  const path = resolve(base, config.resolvConf.path);
  const text = readResolvConf(path, config);
  const original = text === undefined ? undefined : (originalOf(text) ?? text);
  const listen = config.listen.host === 'localhost' ? { ...config.listen, host: '127.0.0.1' } : config.listen;
  const { rewrite } = config.resolvConf;
  return {
    listen,
    admin: config.admin,
    adminTokenFile: config.adminTokenFile === undefined ? undefined : resolve(base, config.adminTokenFile),
    upstreams: upstreamsOf(config, path, original),
    routes: config.routes.map(({ source, destination, resolverIP }) => ({ source, destination, resolver: resolverIP })),
    search: original === undefined ? [] : parseResolvConf(original).search,
    cache: { entries: config.cache.entries, maxTtlMs: config.cache.maxTTL },
    resolvConf: rewrite
      ? { path, original: original!, rewritten: rewrittenResolvConf(original!, clientAddress(listen)) }
      : undefined,
    watched: [resolve(file), ...(rewrite ? [] : [path])],
    warnings: warningsOf(config, listen),
  };
}

function readResolvConf(path: string, config: DnsProxyConfig): string | undefined {
  const isNeeded = config.upstreams === undefined || config.resolvConf.rewrite;
  try {
    if (statSync(path).size > resolvConfBytesMax) throw new Error(`is larger than ${resolvConfBytesMax} bytes`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (!isNeeded) return undefined;
    throw new PosternError(
      'RESOLV_CONF',
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint:
          config.upstreams === undefined
            ? 'list the upstreams in the configuration, or set resolvConf.path'
            : 'set resolvConf.path',
        cause: error,
        exitCode: 2,
      },
    );
  }
}

function upstreamsOf(config: DnsProxyConfig, path: string, original: string | undefined): ResolverAddress[] {
  const own = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
  const explicit = config.upstreams;
  const looped = [...(explicit ?? []), ...config.routes.flatMap((route) => route.resolverIP ?? [])].find((resolver) =>
    isSelf(resolver, config.listen, own),
  );
  if (looped !== undefined)
    throw new PosternError(
      'DNS_LOOP',
      `resolver ${resolverText(looped)} is this proxy itself (it listens on ${resolverText({ address: config.listen.host, port: config.listen.port })})`,
      {
        hint: 'name the resolver that should answer in its place',
        exitCode: 2,
      },
    );
  if (explicit !== undefined) return explicit;
  const found = parseResolvConf(original ?? '')
    .nameservers.flatMap(nameserverAddress)
    .filter((resolver) => !isSelf(resolver, config.listen, own));
  if (found.length > 0) return found;
  throw new PosternError('NO_UPSTREAM', `${path} names no resolver other than this proxy`, {
    hint: 'list the upstreams in the configuration: upstreams: ["10.0.0.10:53"]',
    exitCode: 2,
  });
}

/** resolv.conf may name a link-local address with its zone, which is no host name elsewhere. */
function nameserverAddress(word: string): ResolverAddress[] {
  const [address = '', zone] = word.split('%');
  const host = parseHost(address);
  if (host.kind !== 'ip') return [];
  return [{ address: zone === undefined ? host.ip : `${host.ip}%${zone}`, port: 53 }];
}

/** Where a client on this machine reaches the proxy. */
function clientAddress(listen: ListenAddress): string {
  if (listen.host === '0.0.0.0') return '127.0.0.1';
  return listen.host === '::' ? '::1' : listen.host;
}

function warningsOf(config: DnsProxyConfig, listen: ListenAddress): string[] {
  const warnings: string[] = [];
  if (config.resolvConf.rewrite && listen.port !== 53)
    warnings.push(
      `resolv.conf cannot name a port: libraries will ask ${clientAddress(listen)} on port 53, not ${listen.port}`,
    );
  if (!/^(127\.|::1$)/.test(listen.host))
    warnings.push(`listening on ${listen.host}: whoever reaches it can ask through this proxy; 127.0.0.1 serves a pod`);
  return warnings;
}
