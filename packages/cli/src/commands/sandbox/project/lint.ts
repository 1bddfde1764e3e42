import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { UsageError } from '@postern/core';
import { type OutputFormat, outputOption, printObject } from '../../../io/output.ts';

/** `postern sandbox project lint NAME`: would the trust policy let in anybody else? */
export function registerLint(project: Command): void {
  project
    .command('lint')
    .description(
      'try a trust policy with the tokens of forks, other branches, projects and SSH reruns; says who would get in',
    )
    .argument('<name>', 'the project it is for')
    .option('--dir <dir>', 'the sandbox’s folder', '.')
    .option(
      '--policy <file>',
      'the trust policy (JSON), as `aws iam get-role` prints it; default: the one that is generated',
    )
    .option('--permissions <file>', 'what the role may do (JSON)')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox project lint adapter\n  postern sandbox project lint adapter --policy live-trust-policy.json\n',
    )
    .action(
      async (name: string, options: { dir: string; policy?: string; permissions?: string; output: OutputFormat }) => {
        const { lintProject, unreadableFile } = await import('@postern/sandbox');
        const json = async (file: string | undefined): Promise<unknown> => {
          if (file === undefined) return undefined;
          const text = await readFile(file, 'utf8').catch((error: unknown) =>
            Promise.reject(unreadableFile(file, error)),
          );
          try {
            return JSON.parse(text) as unknown;
          } catch {
            throw new UsageError(`${file} is no JSON`);
          }
        };
        const findings = await lintProject(
          options.dir,
          name,
          await json(options.policy),
          await json(options.permissions),
        );
        const refused = findings.some((finding) => finding.severity === 'error');
        printObject({ verdict: refused ? 'refuse' : 'pass', findings }, options.output, () =>
          [
            ...findings.map(
              (f) =>
                `${f.severity}: ${f.code}: ${f.message}${f.subject === undefined ? '' : `\n    sub = ${f.subject}`}`,
            ),
            !refused
              ? 'nobody but the pipeline gets in'
              : findings.every((one) => one.severity !== 'error' || one.code === 'own-refused')
                ? 'refused: the pipeline itself does not get in'
                : 'refused: it is wider than its project',
            '',
          ].join('\n'),
        );
        if (refused) process.exitCode = 1;
      },
    );
}
