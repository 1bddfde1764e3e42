import type { Command } from 'commander';
import { UsageError } from '@postern/core';
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

interface CreateOptions {
  readonly dir: string;
  readonly out?: string;
  readonly publicKey?: string;
  readonly addKey?: boolean;
}

function addCreate(identity: Command): void {
  identity
    .command('create <email>')
    .description(
      'make a key pair, trust its public half, write a credentials file (mode 0600); or trust a key that exists',
    )
    .requiredOption('--dir <dir>', "the server's directory")
    .option('--out <file>', 'where the credentials file goes; must not exist')
    .option(
      '--public-key <file>',
      "make no key, trust this one: PEM, a service account key file, or Google's list of certificates",
    )
    .option('--add-key', 'the identity exists: trust one more key of it (to rotate)')
    .addHelpText(
      'after',
      '\nExample:\n  postern tunnel identity create dc1@acme.example --dir tunnel --out dc1.json\n\nTrust a Google service account without its private key:\n  curl -o certs.json https://www.googleapis.com/robot/v1/metadata/x509/NAME@PROJECT.iam.gserviceaccount.com\n  postern tunnel identity create NAME@PROJECT.iam.gserviceaccount.com --dir tunnel --public-key certs.json\n\nA running server knows the identity within a second.\n',
    )
    .action(async (email: string, { dir, out, publicKey, addKey = false }: CreateOptions) => {
      if ((out === undefined) === (publicKey === undefined))
        throw new UsageError('give --out for a new key, or --public-key to trust one that exists');
      const { createIdentity, trustIdentity } = await import('./identity-actions.ts');
      if (publicKey !== undefined) {
        const keyIds = trustIdentity({ email, dir, file: publicKey, addKey });
        process.stdout.write(`created ${email}, trusting key ${keyIds.map((id) => printable(id)).join(', ')}\n`);
      } else if (out !== undefined) {
        const keyId = await createIdentity({ email, dir, out, addKey });
        process.stdout.write(`created ${email}, key ${keyId.slice(0, 12)}, credentials in ${out}\n`);
      }
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
