/** Gathers one scan report's findings and problems; every parser fills one. */
import type { Problem, RawFinding, ReasonCode, ScanFormat, ScanReport } from '../evidence.ts';
import { digestIn } from '../image.ts';
import { type Score, generation, readScore } from '../score.ts';
import { isObject, list, text } from '../json.ts';

/** A report that names more than this is not one image's; Debian images with every CVE since 1999 stay below 10,000. */
export const findingsMax = 200_000;

/** How many problems of one kind are spelled out. */
const examplesMax = 5;

export class ScanBuilder {
  readonly format: ScanFormat;
  readonly findings: RawFinding[] = [];
  readonly #digests = new Set<string>();
  readonly #problems: Problem[] = [];
  readonly #notes: string[] = [];
  readonly #invalidScores: string[] = [];
  producedAtMs: number | undefined;

  constructor(format: ScanFormat) {
    this.format = format;
  }

  problem(code: ReasonCode, message: string): void {
    this.#problems.push({ code, message });
  }

  note(message: string): void {
    if (!this.#notes.includes(message)) this.#notes.push(message);
  }

  /** What must be a list of objects where it is there at all: anything else is damage, and damage is never "no findings". */
  list(value: unknown, what: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value) && value.every(isObject)) return value;
    this.problem('scan-unreadable', `${what} is no list of objects`);
    return list(value);
  }

  /** Remembers the digests in references such as `name@sha256:...`; anything else is passed over. */
  about(...references: readonly unknown[]): void {
    for (const reference of references.flatMap((r) => (Array.isArray(r) ? list(r) : [r]))) {
      const digest = digestIn(text(reference));
      if (digest !== undefined) this.#digests.add(digest);
    }
  }

  /** Reads one score. An absent one is fine; one that cannot be is a problem of the whole report. */
  score(into: Score[], value: unknown, source: string, version: unknown, vector: unknown, of: string): void {
    const read = readScore(value);
    if (read === 'invalid') this.#invalidScores.push(`${of}: ${JSON.stringify(value)?.slice(0, 40)} from ${source}`);
    const vectorText = text(vector);
    if (typeof read !== 'number') return;
    // Inspector writes 0 for "not rated yet"; a real zero comes with the vector that proves it.
    if (read === 0 && vectorText === undefined) return;
    into.push({
      value: read,
      source,
      generation: generation(version, vectorText),
      ...(vectorText === undefined ? {} : { vector: vectorText }),
    });
  }

  add(finding: Partial<RawFinding> & Pick<RawFinding, 'id' | 'package' | 'scores'>): void {
    if (this.findings.length < findingsMax)
      this.findings.push({ aliases: [], knownExploited: false, suppressed: false, locations: [], ...finding });
    else if (!this.#problems.some((problem) => problem.code === 'scan-incomplete'))
      this.problem('scan-incomplete', `the scan names more than ${findingsMax} findings; the rest was not read`);
  }

  report(): ScanReport {
    if (this.#invalidScores.length > 0) {
      const more = this.#invalidScores.length - examplesMax;
      this.problem(
        'score-invalid',
        `no CVSS score between 0 and 10: ${this.#invalidScores.slice(0, examplesMax).join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
      );
    }
    return {
      format: this.format,
      findings: this.findings,
      digests: [...this.#digests].toSorted(),
      producedAtMs: this.producedAtMs,
      problems: this.#problems,
      notes: this.#notes,
    };
  }
}

/** A report that could not be read at all. */
export function unreadable(message: string): ScanReport {
  const builder = new ScanBuilder('unknown');
  builder.problem('scan-unreadable', message);
  return builder.report();
}
