import type { Command } from 'commander';
import { UsageError } from '@postern/core';
import type { Verdict } from '@postern/sandbox/gate';
import { type OutputFormat, outputOption, printObject, printable, table } from '../../../io/output.ts';

interface Options {
  readonly image: string;
  readonly scan: readonly string[];
  readonly tests: readonly string[];
  readonly waivers: readonly string[];
  readonly sandbox?: string;
  readonly environment?: string;
  readonly now?: string;
  readonly output: OutputFormat;
}

const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];

/** `postern sandbox gate evaluate`: evidence in, verdict out; exit code 0 only on pass. */
export function registerEvaluate(gate: Command): void {
  gate
    .command('evaluate')
    .description('evaluate an image from its scan, its test report and waivers; exit code 0 only on pass')
    .requiredOption('--image <name@sha256:...>', 'the image, by digest')
    .option('--scan <file>', 'vulnerability scan: ECR, Inspector, Trivy, Grype or SARIF (repeatable)', collect, [])
    .option('--tests <file>', 'API test report: Cucumber messages or JSON, or JUnit (repeatable)', collect, [])
    .option('--waivers <file>', 'Waiver documents, YAML or JSON (repeatable)', collect, [])
    .option('--sandbox <file>', "the Sandbox resource whose gate policy applies; default: the house's policy")
    .option('--environment <name>', 'the sandbox it is to run in, for waivers that hold only there')
    .option('--now <time>', 'evaluate as of this moment (2027-01-31T12:00:00Z)')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
Examples:
  postern sandbox gate evaluate --image registry.example/app@sha256:4f06... --scan trivy.json --tests report.ndjson
  postern sandbox gate evaluate --image $IMAGE --scan scan.json --tests junit.xml --waivers waivers.yaml -o json

Exit codes: 0 pass; 1 needs-analysis or refuse; 2 the command line or a waiver file is wrong.
What each reason code means: postern sandbox gate reasons
`,
    )
    .action(async (options: Options) => {
      // The gate alone: a pipeline asks it in every build, and shall not wait for Terraform's and Kubernetes' libraries.
      const { evaluateFiles } = await import('@postern/sandbox/evaluate-files');
      const verdict = await evaluateFiles({ ...options, nowMs: momentOf(options.now) });
      printObject(verdict, options.output, () => human(verdict));
      if (verdict.verdict !== 'pass') process.exitCode = 1;
    });
}

function momentOf(text: string | undefined): number {
  if (text === undefined) return Date.now();
  const ms = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new UsageError(`--now ${JSON.stringify(text)} is no moment such as 2027-01-31T12:00:00Z`);
  return ms;
}

/** How many findings a person is shown; `-o json` has them all. */
const rowsMax = 30;

function human(verdict: Verdict): string {
  const lines = [
    `${verdict.verdict}  ${verdict.image.name}${verdict.image.digest === null ? '' : `@${verdict.image.digest}`}`,
  ];
  for (const reason of verdict.reasons) lines.push(`  ${reason.code}: ${printable(reason.message)}`);
  for (const warning of verdict.warnings) lines.push(`  warning: ${printable(warning)}`);
  const shown = verdict.findings.filter((finding) => finding.decision !== 'allowed');
  const allowed = verdict.findings.length - shown.length;
  if (shown.length > 0) {
    const columns = {
      decision: (f: (typeof shown)[number]) => f.decision,
      id: (f: (typeof shown)[number]) => f.id,
      package: (f: (typeof shown)[number]) =>
        `${f.package.name}${f.package.version === undefined ? '' : `@${f.package.version}`}`,
      severity: (f: (typeof shown)[number]) => f.severity,
      score: (f: (typeof shown)[number]) => (f.score === null ? '-' : f.score.toFixed(1)),
      from: (f: (typeof shown)[number]) =>
        f.basis.kind === 'score'
          ? `${f.basis.source} (v${f.basis.cvss})${f.raisedByLabel ? `, label ${f.label}` : ''}`
          : f.basis.kind === 'label'
            ? `label ${f.basis.label}`
            : 'not rated',
      waiver: (f: (typeof shown)[number]) => f.waiver ?? '',
    };
    lines.push('', table(shown.slice(0, rowsMax), columns).trimEnd());
    if (shown.length > rowsMax) lines.push(`... and ${shown.length - rowsMax} more (-o json lists all)`);
  }
  if (allowed > 0) lines.push(`${allowed} finding${allowed === 1 ? '' : 's'} below 7.0`);
  if (verdict.waivers.length > 0)
    lines.push(
      '',
      table(verdict.waivers, {
        waiver: (w) => w.name,
        state: (w) => w.state,
        vulnerability: (w) => w.vulnerability,
        findings: (w) => w.findings,
        expires: (w) => w.expiry ?? '-',
        why: (w) => w.why ?? '',
      }).trimEnd(),
    );
  return `${lines.join('\n')}\n`;
}
