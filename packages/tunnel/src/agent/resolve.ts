import { promises as dns } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { errorCode, type Host, PosternError } from '@postern/core';

export interface ResolverConfig {
  /** Names answered without DNS. */
  readonly hosts?: ReadonlyMap<string, readonly string[]> | undefined;
  /** DNS servers to ask instead of the system's resolver. */
  readonly servers?: ReadonlyArray<{ readonly ip: string; readonly port: number }> | undefined;
}

/** More addresses than this are not tried; a name with more is a mistake or an attack. */
const addressesMax = 16;

/** Resolves a host to addresses, once: what is checked is what is dialled, so a second answer cannot differ from the first. */
export async function resolveHost(host: Host, config: ResolverConfig, timeoutMs: number): Promise<readonly string[]> {
  if (host.kind === 'ip') return [host.ip];
  const fixed = config.hosts?.get(host.name);
  if (fixed !== undefined) return fixed;
  const addresses =
    config.servers === undefined ? await askSystem(host.name) : await askServers(host.name, config.servers, timeoutMs);
  if (addresses.length === 0) throw new PosternError('NAME_UNKNOWN', `${host.name} does not resolve here`);
  return addresses.slice(0, addressesMax);
}

async function askSystem(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);
  } catch (error) {
    throw new PosternError('NAME_UNKNOWN', `${name} does not resolve here (${errorCode(error) ?? 'no answer'})`, {
      cause: error,
    });
  }
}

async function askServers(
  name: string,
  servers: NonNullable<ResolverConfig['servers']>,
  timeoutMs: number,
): Promise<string[]> {
  const resolver = new dns.Resolver({ timeout: Math.max(500, timeoutMs / 4), tries: 2 });
  resolver.setServers(servers.map(({ ip, port }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)));
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  return [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}
