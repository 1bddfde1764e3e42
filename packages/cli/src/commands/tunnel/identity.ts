import type { Command } from 'commander';
import { type OutputFormat, outputOption, printList, printable } from '../../io/output.ts';

/** `postern tunnel identity create|list|revoke` */
export function addIdentity(tunnel: Command): void {
  const identity = tunnel
    .command('identity')
    .description('who may connect: agents and clients, each with a credentials file');
  addCreate(identity);
  addList(identity);
  addRevoke(identity);
}

function addCreate(identity: Command): void {
  identity
    .command('create <email>')
    .description('make a key pair, trust its public half, write a credentials file (mode 0600)')
    .requiredOption('--dir <dir>', "the server's directory")
    .requiredOption('--out <file>', 'where the credentials file goes; must not exist')
    .option('--add-key', 'the identity exists: trust one more key of it (to rotate)')
    .addHelpText(
      'after',
      '\nExample:\n  postern tunnel identity create dc1@acme.example --dir tunnel --out dc1.json\n\nA running server knows the identity within a second.\n',
    )
    .action(async (email: string, { dir, out, addKey }: { dir: string; out: string; addKey?: boolean }) => {
      const { createIdentity } = await import('./identity-actions.ts');
      const keyId = await createIdentity({ email, dir, out, addKey: addKey === true });
      process.stdout.write(`created ${email}, key ${keyId.slice(0, 12)}, credentials in ${out}\n`);
    });
}

function addList(identity: Command): void {
  identity
    .command('list')
    .description('list identities')
    .requiredOption('--dir <dir>', "the server's directory")
    .addOption(outputOption())
    .action(async ({ dir, output }: { dir: string; output: OutputFormat }) => {
      const { listIdentities } = await import('./identity-actions.ts');
      printList(
        listIdentities(dir),
        {
          identity: (i) => printable(i.identity),
          status: (i) => i.status,
          keys: (i) => i.keys.length,
          created: (i) => i.created,
        },
        output,
      );
    });
}

function addRevoke(identity: Command): void {
  identity
    .command('revoke <email>')
    .description('end an identity: its sessions and connections end within a second, renewals are refused')
    .requiredOption('--dir <dir>', "the server's directory")
    .addHelpText('after', '\nExample:\n  postern tunnel identity revoke dc1@acme.example --dir tunnel\n')
    .action(async (email: string, { dir }: { dir: string }) => {
      const { revokeIdentity } = await import('./identity-actions.ts');
      process.stdout.write(revokeIdentity(email, dir) ? `revoked ${email}\n` : `${email} was revoked before\n`);
    });
}
