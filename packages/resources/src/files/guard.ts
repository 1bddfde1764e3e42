/**
 * Absence is never a silent order to delete. An empty mount point, a checkout of the wrong branch and a slip of `rm` look
 * like a wish; only a few objects may go in one look, and more wait for `--confirm-prune`.
 */

/** A fifth, and always one: large enough for daily work, small enough that a lost folder is noticed before its clusters are. */
const goneShareMax = 0.2;

export interface GuardedObject {
  readonly id: string;
  /** Serves others and destroys nothing when it goes (a Secret): counted only where its user stays. */
  readonly attachment: boolean;
  /** Ids of the objects that it uses. */
  readonly uses: readonly string[];
}

export type Verdict =
  | { readonly kind: 'remove' }
  | { readonly kind: 'hold'; readonly goneCount: number; readonly knownCount: number };

/** May the objects `gone` be deleted, out of all that were `known` before this look? */
export function judgeRemovals(known: readonly GuardedObject[], gone: ReadonlySet<string>, confirmed: boolean): Verdict {
  if (confirmed || gone.size === 0) return { kind: 'remove' };
  const usedByStaying = new Set(known.filter(({ id }) => !gone.has(id)).flatMap(({ uses }) => uses));
  const counted = known.filter(({ id, attachment }) => !attachment || (gone.has(id) && usedByStaying.has(id)));
  const goneCount = counted.filter(({ id }) => gone.has(id)).length;
  const allowed = Math.max(1, counted.length * goneShareMax);
  return goneCount > allowed ? { kind: 'hold', goneCount, knownCount: counted.length } : { kind: 'remove' };
}
