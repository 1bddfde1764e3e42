export interface IdentityChange {
  /** `key`: the identity has another set of keys than before. */
  readonly kind: 'created' | 'revoked' | 'key';
  readonly email: string;
}

/** By e-mail. */
export type IdentityStates = ReadonlyMap<
  string,
  { readonly epoch: number; readonly active: boolean; readonly keys: string }
>;

/** A quarter of the second within which a revocation must end what it carries; asking costs microseconds. */
const pollMs = 200;

interface Source {
  /** Changes with every commit. */
  version(): string;
  state(): IdentityStates;
}

/**
 * Tells what changed, by comparing what is there with what was seen last. A revocation is told even when the identity was created
 * anew before anybody looked: its epoch says so.
 */
export function watchChanges(
  source: Source,
  onChange: (change: IdentityChange) => void,
  signal: AbortSignal,
  onError: (error: unknown) => void = (error) => process.emitWarning(String(error)),
): void {
  if (signal.aborted) return;
  let version = source.version();
  let seen = source.state();
  const look = (): void => {
    const now = source.version();
    if (now === version) return;
    const before = seen;
    seen = source.state();
    version = now;
    for (const change of differences(before, seen)) onChange(change);
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch (error) {
      onError(error);
    }
  }, pollMs);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

export function differences(before: IdentityStates, after: IdentityStates): IdentityChange[] {
  const changes: IdentityChange[] = [];
  for (const [email, now] of after) {
    const was = before.get(email);
    if (was !== undefined && was.epoch !== now.epoch) changes.push({ kind: 'revoked', email });
    const wasActive = was !== undefined && was.active && was.epoch === now.epoch;
    if (now.active && !wasActive) changes.push({ kind: 'created', email });
    else if (now.active && was?.keys !== now.keys) changes.push({ kind: 'key', email });
  }
  // The database was replaced by one that does not know it: nothing may go on in its name.
  for (const email of before.keys()) if (!after.has(email)) changes.push({ kind: 'revoked', email });
  return changes;
}
