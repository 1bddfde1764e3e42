/** What the gate says. Plain JSON: a release record keeps it, a pipeline reads it, the same inputs give the same bytes. */
import type { ReasonCode, ScanFormat, TestFormat } from './evidence.ts';
import type { Band, Basis } from './score.ts';

export type Outcome = 'pass' | 'needs-analysis' | 'refuse';

export interface Reason {
  readonly code: ReasonCode;
  readonly message: string;
}

export interface JudgedFinding {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly package: { readonly name: string; readonly version?: string; readonly purl?: string };
  readonly severity: Band;
  readonly score: number | null;
  /** Who gave the score, in a word; null where nobody did. */
  readonly scoreSource: string | null;
  /** Where score and severity come from. */
  readonly basis: Basis;
  readonly label: string | null;
  /** The tool's label was above the score's band, and decided. */
  readonly raisedByLabel: boolean;
  readonly decision: 'refused' | 'needs-analysis' | 'waived' | 'allowed';
  readonly waiver?: string;
  readonly knownExploited?: true;
  /** The scanner was told to hide it; it counts all the same. */
  readonly suppressedByScanner?: true;
  readonly fixedIn?: string;
  readonly locations: readonly string[];
}

export interface JudgedWaiver {
  readonly name: string;
  readonly vulnerability: string;
  readonly state: 'matched' | 'unmatched' | 'expired' | 'not-in-force';
  readonly findings: number;
  readonly expiry: string | null;
  readonly why?: string;
}

export interface JudgedEvidence {
  readonly kind: 'scan' | 'tests';
  readonly format: ScanFormat | TestFormat;
  readonly sha256: string;
  readonly producedAt: string | null;
  /** Who ties it to the image: the report itself, the release record, or only the caller. */
  readonly binding: 'report' | 'recorded' | 'asserted' | 'none';
  readonly counts: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

export interface Verdict {
  readonly verdict: Outcome;
  readonly image: { readonly name: string; readonly digest: string | null };
  readonly reasons: readonly Reason[];
  readonly warnings: readonly string[];
  readonly findings: readonly JudgedFinding[];
  readonly waivers: readonly JudgedWaiver[];
  readonly evidence: readonly JudgedEvidence[];
  readonly policy: Readonly<Record<string, string>>;
  /** When evidence grows stale or a waiver expires: evaluated again from then on, the verdict may differ. */
  readonly validUntil: string | null;
}
