/** What the gate's parsers produce: findings and test cases, whatever tool wrote the report, and what is wrong with it. */
import type { Score } from './score.ts';

export type ScanFormat = 'trivy' | 'grype' | 'sarif' | 'ecr-basic' | 'ecr-enhanced' | 'inspector2' | 'unknown';
export type TestFormat = 'cucumber-messages' | 'cucumber-json' | 'junit' | 'unknown';

export interface Package {
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
}

/** One vulnerability in one package, as reported. */
export interface RawFinding {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly package: Package;
  readonly label?: string;
  readonly scores: readonly Score[];
  readonly fixedIn?: string;
  /** CISA's list of what is exploited in the wild names it. */
  readonly knownExploited: boolean;
  /** The tool was told to hide it (ignore file, VEX, suppression rule). The gate judges it all the same. */
  readonly suppressed: boolean;
  readonly locations: readonly string[];
}

/** A reason to trust the report less than fully. Every problem refuses; the code says which kind it is. */
export interface Problem {
  readonly code: ReasonCode;
  readonly message: string;
}

export interface ScanReport {
  readonly format: ScanFormat;
  readonly findings: readonly RawFinding[];
  /** `sha256:...` of every image the report says it is about; empty when it names none. */
  readonly digests: readonly string[];
  /** When the scan was made; undefined when the report does not say. */
  readonly producedAtMs: number | undefined;
  readonly problems: readonly Problem[];
  /** What a reader should know and the verdict does not hang on. */
  readonly notes: readonly string[];
}

export type CaseOutcome = 'passed' | 'failed' | 'skipped' | 'incomplete';

export interface TestCase {
  readonly name: string;
  readonly outcome: CaseOutcome;
  /** Why, where it is not passed: the tool's own word. */
  readonly detail?: string;
  /** Passed only on a later attempt. */
  readonly flaky: boolean;
}

export interface TestReport {
  readonly format: TestFormat;
  readonly cases: readonly TestCase[];
  readonly producedAtMs: number | undefined;
  readonly problems: readonly Problem[];
}

/** Every reason the gate gives, and what it means. The command line prints this table, the guide repeats it. */
export const reasonCodes = {
  'image-not-by-digest': 'the image is named by tag; a tag can be moved after the decision',
  'scan-missing': 'no vulnerability scan was given',
  'scan-unreadable': 'the scan is of no known format, cut off or damaged',
  'scan-unfinished': 'the scanner had not finished',
  'scan-failed': 'the scanner failed, or does not support the image',
  'scan-incomplete': 'the scan holds fewer findings than it counts, one page of several, or examined no packages',
  'scan-unbound': 'the scan does not name the digest of the image it examined',
  'scan-mismatch': 'the scan is of another image',
  'scan-undated': 'the scan does not say when it was made',
  'scan-stale': 'the scan is older than the policy allows',
  'scan-from-future': 'the scan is dated in the future',
  'score-invalid': 'a finding has a score that is no CVSS score',
  'tests-missing': 'no API test report was given',
  'tests-unreadable': 'the test report is of no known format, cut off or damaged',
  'tests-unfinished': 'the test run did not reach its end',
  'tests-incomplete': 'test cases are pending, undefined or ambiguous, or fewer than the report counts',
  'tests-empty': 'the test report holds no test case',
  'tests-skipped': 'no test case passed: all were skipped',
  'tests-failed': 'test cases failed',
  'tests-stale': 'the test run is older than the policy allows',
  'tests-from-future': 'the test run is dated in the future',
  'tests-mismatch': 'the test report is bound to another image',
  'vulnerability-critical': 'a finding scores 9.0 or above, or is labelled critical; it cannot be waived',
  'vulnerability-high':
    'a finding scores 7.0 to 8.9, or is labelled high or not rated at all, and no waiver in force covers it',
} as const;

export type ReasonCode = keyof typeof reasonCodes;
