import type { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../../io/output.ts';

/** `postern sandbox thumbprint URL`: of an OIDC issuer, and whether AWS needs it at all. */
export function registerThumbprint(sandbox: Command): void {
  sandbox
    .command('thumbprint')
    .description('the certificate thumbprint of an OIDC issuer, and whether it is needed')
    .argument('<url>', 'the issuer: https://oidc.circleci.com/org/...')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox thumbprint https://oidc.circleci.com/org/6b376885-8f20-45b2-ba2f-c27c0919bc6d\n',
    )
    .action(async (url: string, options: { output: OutputFormat }) => {
      const { thumbprint } = await import('@postern/sandbox');
      const found = await thumbprint(url);
      printObject(
        found,
        options.output,
        () =>
          `${found.thumbprint}\n${found.needed ? 'The issuer’s certificate is not from a public CA: put this into spec.ci[].thumbprints.' : 'Not needed: the issuer’s certificate is from a public CA, which AWS checks itself.'}\n  ${found.host}: ${found.subject}, issued by ${found.issuer}, until ${found.validTo}\n`,
      );
    });
}
