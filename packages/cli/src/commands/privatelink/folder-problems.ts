import { formatDiagnostic, type Diagnostic } from '@postern/core';

/** What a person should know about the folder, on standard error so that `-o json` stays what it is. */
export function printFolderProblems(report: {
  readonly problems: readonly Diagnostic[];
  readonly held: { readonly reason: string; readonly objects: readonly string[] } | undefined;
}): void {
  for (const problem of report.problems) process.stderr.write(`${formatDiagnostic(problem)}\n`);
  if (report.problems.some(({ severity }) => severity === 'error'))
    process.stderr.write('A file with an error keeps its last good objects.\n');
  if (report.held !== undefined)
    process.stderr.write(
      `Deletions are held: ${report.held.reason} (${report.held.objects.join(', ')}).\n` +
        '  Bring the files back, or start the controller with --confirm-prune.\n',
    );
}
