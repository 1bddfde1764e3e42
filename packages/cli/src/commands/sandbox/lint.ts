import { Option, type Command } from 'commander';
import { formatDiagnostic } from '@postern/core';
import { type OutputFormat, outputOption, printObject } from '../../io/output.ts';
import { collect } from './release/shared.ts';

interface Options {
  readonly namespace?: string;
  readonly values: readonly string[];
  readonly set: readonly string[];
  readonly output: OutputFormat;
}

/** `postern sandbox lint CHART-OR-YAML`: the packaging rules on rendered manifests. */
export function registerLint(sandbox: Command): void {
  sandbox
    .command('lint')
    .description('hold a chart (through helm) or manifests against the packaging rules')
    .argument('<chart-or-yaml>', 'a chart’s folder, a YAML file, or a folder of them')
    .option('-n, --namespace <name>', 'the namespace it is for')
    .option('-f, --values <file>', 'values of the chart (repeatable)', collect, [])
    .addOption(new Option('--set <key=value>', 'a value of the chart (repeatable)').argParser(collect).default([]))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox lint charts/rest-app\n  postern sandbox lint manifests.yaml -n payments -o json\n\nExit codes: 0 nothing refused (warnings do not count), 1 something is, 2 it cannot be read.\n',
    )
    .action(async (path: string, options: Options) => {
      const { lintPath } = await import('@postern/sandbox');
      const set = Object.fromEntries(
        options.set.map((pair) => [pair.split('=')[0]!, pair.slice(pair.indexOf('=') + 1)]),
      );
      const { diagnostics, objects } = await lintPath(path, {
        release: 'lint',
        namespace: options.namespace,
        values: options.values,
        set,
        environment: process.env,
      });
      const errors = diagnostics.filter((one) => one.severity === 'error').length;
      printObject({ verdict: errors > 0 ? 'refuse' : 'pass', objects, findings: diagnostics }, options.output, () =>
        [
          ...diagnostics.map((one) => `${formatDiagnostic(one)} [${one.rule}]`),
          `${objects} objects: ${errors} refused, ${diagnostics.length - errors} warnings`,
          '',
        ].join('\n'),
      );
      if (errors > 0) process.exitCode = 1;
    });
}
