/** Findings of all scans, made one list: duplicates joined, nothing lost. */
import type { RawFinding } from './evidence.ts';
import { type Resolved, type Score, bandOfLabel, bands, resolve } from './score.ts';

export interface Finding extends Omit<RawFinding, 'scores'> {
  readonly resolved: Resolved;
}

/** Bounds what one finding can cost and print; real findings name a handful of places. */
const locationsMax = 50;

/** Joins findings of the same vulnerability in the same package and version, and resolves each one's score. */
export function joinFindings(raw: readonly RawFinding[]): Finding[] {
  const groups = new Map<string, RawFinding[]>();
  for (const finding of raw) {
    const key = JSON.stringify([
      finding.id.toUpperCase(),
      finding.package.purl?.replace(/[?#].*$/, '') ?? finding.package.name,
      finding.package.version ?? '',
    ]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [finding]);
    else group.push(finding);
  }
  return [...groups.values()].map(join).toSorted(compare);
}

function join(group: readonly RawFinding[]): Finding {
  const { scores: _scores, ...first } = group[0]!;
  const scores: Score[] = group.flatMap((finding) => finding.scores);
  const label = group
    .map((finding) => finding.label)
    .toSorted((a, b) => rank(b) - rank(a) || order(a ?? '', b ?? ''))[0];
  const { label: _label, ...rest } = first;
  return {
    ...rest,
    aliases: unique(group.flatMap((finding) => finding.aliases)),
    ...(label === undefined ? {} : { label }),
    knownExploited: group.some((finding) => finding.knownExploited),
    // Hidden in one report and shown in another is shown.
    suppressed: group.every((finding) => finding.suppressed),
    locations: unique(group.flatMap((finding) => finding.locations)).slice(0, locationsMax),
    resolved: resolve(scores, label),
  };
}

function rank(label: string | undefined): number {
  const band = bandOfLabel(label);
  return band === undefined ? -1 : bands.indexOf(band);
}

/** The most severe first; then by name, so that the same evidence in another order gives the same bytes. */
function compare(a: Finding, b: Finding): number {
  return (
    bands.indexOf(b.resolved.band) - bands.indexOf(a.resolved.band) ||
    (b.resolved.score ?? -1) - (a.resolved.score ?? -1) ||
    order(a.id, b.id) ||
    order(a.package.name, b.package.name) ||
    order(a.package.version ?? '', b.package.version ?? '') ||
    order(a.package.purl ?? '', b.package.purl ?? '')
  );
}

/** By code unit: `localeCompare` depends on the machine's language. */
export function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].toSorted(order);
}
