/** Image references. PURE: nothing is resolved; a tag stays a tag. */

export interface Image {
  /** Registry and repository, as given. */
  readonly name: string;
  /** `sha256:` and 64 hex digits; undefined when the reference is a tag. */
  readonly digest: string | undefined;
}

const digestPattern = /sha256:[0-9a-f]{64}/;

/** Registries allow 255 characters for a repository; with host, tag and digest nothing real is longer than this. */
const referenceCharsMax = 512;

/** `registry/name@sha256:...`; a tag before the digest is dropped, because the digest alone decides what runs. */
export function parseImage(reference: string): Image | { readonly kind: 'invalid'; readonly reason: string } {
  const trimmed = reference.trim();
  if (trimmed === '' || trimmed.length > referenceCharsMax || /\s/.test(trimmed))
    return { kind: 'invalid', reason: 'is not an image reference such as registry.example/app@sha256:<64 hex digits>' };
  const [name, digest, extra] = trimmed.split('@');
  const bare = name!.replace(/:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, '');
  if (extra !== undefined || !/^[A-Za-z0-9]([A-Za-z0-9._:/-]*[A-Za-z0-9])?$/.test(bare))
    return { kind: 'invalid', reason: 'is not an image reference such as registry.example/app@sha256:<64 hex digits>' };
  if (digest === undefined) return { name: bare, digest: undefined };
  if (!/^sha256:[0-9a-f]{64}$/.test(digest.toLowerCase()))
    return { kind: 'invalid', reason: 'has a digest that is not sha256: and 64 hex digits' };
  return { name: bare, digest: digest.toLowerCase() };
}

/** The digest inside `name@sha256:...`, or a bare `sha256:...`. */
export function digestIn(text: string | undefined): string | undefined {
  return text === undefined ? undefined : digestPattern.exec(text.toLowerCase())?.[0];
}
