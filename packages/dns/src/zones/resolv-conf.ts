/**
 * resolv.conf as text (resolv.conf(5)): reading it, and the rewritten form that carries its own original.
 *
 * The original lies inside the rewritten file as comments. A process that is killed restores nothing; the next start, or a person,
 * finds everything there.
 */
import { parseHost } from '@postern/core';

export interface ResolvConf {
  /** Addresses, possibly with a zone (`fe80::1%eth0`). */
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  /** `search`, `domain`, `options` and `sortlist` lines as they are. */
  readonly kept: readonly string[];
}

const head = '# Written by postern dns-proxy, which restores the original when it ends. The original:';
const prefix = '#postern#';

export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  const kept: string[] = [];
  let search: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && words[0] !== undefined) nameservers.push(words[0]);
    // The last of several `search` and `domain` lines counts.
    if (keyword === 'search' || keyword === 'domain') search = keyword === 'domain' ? words.slice(0, 1) : words;
    if (['search', 'domain', 'options', 'sortlist'].includes(keyword ?? '')) kept.push(line.trim());
  }
  return { nameservers, kept, search: search.flatMap(domainName) };
}

function domainName(word: string): string[] {
  const host = parseHost(word);
  return host.kind === 'name' ? [host.name] : [];
}

/** The file that names only the proxy: musl asks all nameservers at once and would tell the others the private names. */
export function rewrittenResolvConf(original: string, proxyAddress: string): string {
  const lines = original.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const missing = original.endsWith('\n') || original === '' ? [] : [`${prefix}!no newline at the end`];
  return [
    `nameserver ${proxyAddress}`,
    ...parseResolvConf(original).kept,
    head,
    ...lines.map((line) => `${prefix} ${line}`),
    ...missing,
    '',
  ].join('\n');
}

/** The original inside a rewritten file; undefined where it is not one. */
export function originalOf(text: string): string | undefined {
  const lines = text.split('\n');
  if (!lines.includes(head)) return undefined;
  const original = lines.filter((line) => line.startsWith(`${prefix} `)).map((line) => line.slice(prefix.length + 1));
  const whole = original.map((line) => `${line}\n`).join('');
  return lines.some((line) => line.startsWith(`${prefix}!`)) ? whole.slice(0, -1) : whole;
}
