/** From a finding's scores and label to one number and one band. */

export type Band = 'critical' | 'high' | 'medium' | 'low';

/** From mild to severe; the index is the rank. */
export const bands: readonly Band[] = ['low', 'medium', 'high', 'critical'];

/** One score as a source states it. `generation` is the CVSS version's major number. */
export interface Score {
  readonly value: number;
  readonly generation: 2 | 3 | 4;
  /** Who says so: `nvd`, `ghsa`, `redhat`, `inspector`. */
  readonly source: string;
  readonly vector?: string;
}

/** Where the band came from: the verdict shows it, so that a reader can check it by hand. */
export type Basis =
  | { readonly kind: 'score'; readonly source: string; readonly cvss: 2 | 3 | 4; readonly vector?: string }
  | { readonly kind: 'label'; readonly label: string }
  | { readonly kind: 'none' };

export interface Resolved {
  readonly band: Band;
  /** One decimal; null where no source gave a number. */
  readonly score: number | null;
  readonly basis: Basis;
  /** True when the tool's own label is more severe than the number and so decided. */
  readonly raisedByLabel: boolean;
}

/** CVSS speaks in tenths and rounds up (v3.1, appendix A). The subtraction forgives binary noise in 8.9 * 10. */
export function tenths(value: number): number {
  return Math.ceil(value * 10 - 1e-6) / 10;
}

export function bandOf(score: number): Band {
  const rounded = tenths(score);
  if (rounded >= 9) return 'critical';
  if (rounded >= 7) return 'high';
  return rounded >= 4 ? 'medium' : 'low';
}

/** The words of Trivy, Grype, ECR, Inspector, Debian, Red Hat and Ubuntu. Words not here (UNKNOWN, UNTRIAGED, UNDEFINED) say nothing. */
const words: Readonly<Record<string, Band>> = {
  critical: 'critical',
  high: 'high',
  important: 'high',
  medium: 'medium',
  moderate: 'medium',
  low: 'low',
  minor: 'low',
  negligible: 'low',
  unimportant: 'low',
  informational: 'low',
};

export function bandOfLabel(label: string | undefined): Band | undefined {
  const word = label?.toLowerCase() ?? '';
  return Object.hasOwn(words, word) ? words[word] : undefined;
}

/**
 * The maximum over v4 and v3 sources, v2 only where nothing else is (v2 knows no Critical and its numbers do not compare).
 * A label above the band wins. No score: the label; neither: High, because what nobody has scored nobody has cleared.
 */
export function resolve(scores: readonly Score[], label: string | undefined): Resolved {
  const modern = scores.filter((score) => score.generation >= 3);
  let best: Score | undefined;
  for (const score of modern.length > 0 ? modern : scores)
    if (best === undefined || score.value > best.value || (score.value === best.value && score.source < best.source))
      best = score;
  const said = bandOfLabel(label);
  if (best === undefined) {
    if (said === undefined) return { band: 'high', score: null, basis: { kind: 'none' }, raisedByLabel: false };
    return { band: said, score: null, basis: { kind: 'label', label: label! }, raisedByLabel: false };
  }
  const band = bandOf(best.value);
  const raised = said !== undefined && bands.indexOf(said) > bands.indexOf(band);
  return {
    band: raised ? said : band,
    score: tenths(best.value),
    basis: {
      kind: 'score',
      source: best.source,
      cvss: best.generation,
      ...(best.vector === undefined ? {} : { vector: best.vector }),
    },
    raisedByLabel: raised,
  };
}

/** A score as a report writes it, number or string. `invalid` for what is there but is no CVSS score. */
export function readScore(value: unknown): number | 'absent' | 'invalid' {
  if (value === undefined || value === null || value === '') return 'absent';
  const number = typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number <= 10 ? number : 'invalid';
}

/** The version from `3.1`, `CVSS:3.1/...`, `CVSS_V3` or the vector. Unmarked vectors (`AV:N/AC:L/Au:N`) are v2; unknown counts as v3. */
export function generation(version: unknown, vector?: string): 2 | 3 | 4 {
  const stated = /^(?:CVSS[:_ ]?V?)?([234])(?:\.|$)/i.exec(
    typeof version === 'string' || typeof version === 'number' ? String(version) : '',
  )?.[1];
  const inVector = /^CVSS:([234])/i.exec(vector ?? '')?.[1];
  const found = inVector ?? stated;
  if (found !== undefined) return Number(found) as 2 | 3 | 4;
  return vector !== undefined && /(^|\/|\()Au:[NSM]/.test(vector) ? 2 : 3;
}
