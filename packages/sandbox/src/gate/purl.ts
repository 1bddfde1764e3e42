/** Package URLs, as far as matching a statement to a finding needs them (github.com/package-url/purl-spec). */

export interface Purl {
  readonly type: string;
  /** Namespace and name, decoded, joined by a slash. */
  readonly name: string;
  readonly version: string | undefined;
  readonly qualifiers: ReadonlyMap<string, string>;
}

export function parsePurl(text: string): Purl | undefined {
  const match = /^pkg:\/*([A-Za-z][A-Za-z0-9.+-]*)\/+([^?#]+)(?:\?([^#]*))?(?:#.*)?$/.exec(text.trim());
  if (match === null) return undefined;
  const path = match[2]!;
  // The version starts at the last @ that stands in the last segment: an npm scope (%40scope, sometimes @scope) comes before a slash.
  const cut = path.lastIndexOf('@');
  const versioned = cut > path.lastIndexOf('/') && cut > 0;
  const name = decode(versioned ? path.slice(0, cut) : path).replace(/^\/+|\/+$/g, '');
  if (name === '') return undefined;
  const qualifiers = new Map<string, string>();
  for (const pair of (match[3] ?? '').split('&')) {
    const [key, ...value] = pair.split('=');
    if (key !== undefined && key !== '') qualifiers.set(key.toLowerCase(), decode(value.join('=')));
  }
  const type = match[1]!.toLowerCase();
  return {
    type,
    // These ecosystems compare names without regard to case; PyPI also takes _ for -.
    name: type === 'pypi' ? name.toLowerCase().replaceAll('_', '-') : caseless.has(type) ? name.toLowerCase() : name,
    version: versioned ? decode(path.slice(cut + 1)) : undefined,
    qualifiers,
  };
}

const caseless = new Set(['oci', 'docker', 'deb', 'rpm', 'apk', 'github', 'bitbucket', 'composer']);

/** Does what `wanted` says hold of `actual`? What `wanted` leaves out (version, qualifiers) it does not ask for. */
export function covers(wanted: Purl, actual: Purl): boolean {
  if (wanted.type !== actual.type || wanted.name !== actual.name) return false;
  if (wanted.version !== undefined && wanted.version !== actual.version) return false;
  for (const [key, value] of wanted.qualifiers) {
    const has = actual.qualifiers.get(key);
    if (has !== undefined && has !== value) return false;
  }
  return true;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
