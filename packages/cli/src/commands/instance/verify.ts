import { type Command, InvalidArgumentError } from 'commander';
import { formatDiagnostic, parseHostPort } from '@postern/core';
import { terminationSignal } from '@postern/daemon';
import type { Check, Verification } from '@postern/infra';
import { type OutputFormat, outputOption, printObject, table } from '../../io/output.ts';
import { progress } from '../../io/progress.ts';

/** `postern instance verify [DIR]`: live checks of every path, with the likely cause and the next step. */
export function registerVerify(instance: Command): void {
  instance
    .command('verify')
    .description(
      'check every path live, through the clouds’ APIs: a verdict each, and on failure the likely cause and the next step',
    )
    .argument('[dir]', 'the instance’s directory', '.')
    .option('--server <host:port>', 'ask the tunnel server here instead of at its reserved address', server)
    .option('-q, --quiet', 'no progress')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
It reads only. Google: application default credentials, or CLOUDSDK_AUTH_ACCESS_TOKEN_FILE; AWS: the usual chain (AWS_PROFILE).
Endpoints are overridden as each cloud's own tools do: CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE, AWS_ENDPOINT_URL_EC2.
Exit code: 0 all is well, 1 something failed or could not be asked.

Examples:
  postern instance verify
  postern instance verify instances/acme -o json
  kubectl port-forward deployment/postern-tunnel-server 50050 &  postern instance verify --server 127.0.0.1:50050
`,
    )
    .action(async (dir: string, { server: place, quiet, output }: Options) => {
      const { loadInstance, readRemovedStacks, verify } = await import('@postern/infra');
      const { instance, diagnostics } = loadInstance(dir);
      for (const diagnostic of diagnostics) process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
      const bar = progress({ quiet: quiet === true });
      const removed = readRemovedStacks(dir);
      const step = (text: string): void => bar.step(text);
      const verification = await verify({
        instance,
        removed,
        server: place,
        env: process.env,
        signal: terminationSignal(),
        step,
      }).finally(() => bar.end());
      printObject(verification, output, () => report(verification));
      if (verification.verdict !== 'ok') process.exitCode = 1;
    });
}

interface Options {
  readonly server?: { readonly host: string; readonly port: number };
  readonly quiet?: boolean;
  readonly output: OutputFormat;
}

function server(text: string): { host: string; port: number } {
  const parsed = parseHostPort(text);
  if ('reason' in parsed) throw new InvalidArgumentError(`${text} ${parsed.reason}`);
  return { host: parsed.host.kind === 'ip' ? parsed.host.ip : parsed.host.name, port: parsed.port };
}

const words = { ok: 'ok', failed: 'FAILED', unknown: 'unknown' } as const;

function report({ instance, verdict, checks }: Verification): string {
  if (checks.length === 0) return `${instance}: no path is switched on, nothing to check\n`;
  const rows = table(checks, {
    path: (row) => row.path,
    check: (row) => row.check,
    verdict: (row) => words[row.verdict],
    detail: (row) => row.detail,
  });
  const bad = checks.filter((check) => check.verdict !== 'ok');
  const reasons = grouped(bad).map(([first, names]) => explain(first, names));
  return `${rows}\n${reasons.join('\n')}${reasons.length > 0 ? '\n' : ''}${instance}: ${words[verdict]}, ${checks.length - bad.length} of ${checks.length} checks ok\n`;
}

/** Four tunnels with one cause are told once. */
function grouped(checks: readonly Check[]): [Check, string[]][] {
  const groups = new Map<string, [Check, string[]]>();
  for (const check of checks) {
    const key = `${check.path} ${check.cause ?? check.detail}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [check, [check.check]]);
    else group[1].push(check.check);
  }
  return [...groups.values()];
}

function explain(check: Check, names: readonly string[]): string {
  const cause = check.cause === undefined ? `could not be asked: ${check.detail}` : `${check.cause} (${check.causeID})`;
  return `${names.join(', ')}:\n  cause  ${cause}\n${check.next === undefined ? '' : `  next   ${check.next}\n`}`;
}
