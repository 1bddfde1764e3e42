import { Command } from 'commander';
import { registerCompletion } from './commands/completion.ts';
import { registerUp } from './commands/up.ts';
import { registerDelayProxy } from './commands/lab/delay-proxy.ts';
import { registerGitHost } from './commands/lab/git-host.ts';
import { registerDnsProxy } from './commands/dns-proxy.ts';
import { registerGenerate } from './commands/generate.ts';
import { registerHealth } from './commands/health.ts';
import { registerImages } from './commands/images/index.ts';
import { registerInstance } from './commands/instance/index.ts';
import { registerPrivatelink } from './commands/privatelink/index.ts';
import { registerSandbox } from './commands/sandbox/index.ts';
import { registerLabGcp } from './commands/lab/gcp.ts';
import { registerLabVpn } from './commands/lab/vpn.ts';
import { registerSchema } from './commands/schema.ts';
import { registerTunnel } from './commands/tunnel/index.ts';
import { registerLabAws } from './commands/lab/aws.ts';

/** One version for all packages. */
export const version = '0.1.0';

/**
 * The whole command tree. Registering is cheap: every action imports its feature only when it runs, so that `postern tunnel
 * agent` never loads what belongs to another room.
 */
export function program(): Command {
  const root = new Command('postern')
    .description('A private, audited path from a hosted product to what its customer keeps behind a firewall.')
    .version(version, '-V, --version')
    .showHelpAfterError('(add --help for usage and examples)')
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false })
    .exitOverride();
  registerTunnel(root);
  registerInstance(root);
  registerGenerate(root);
  registerPrivatelink(root);
  registerImages(root);
  registerSandbox(root);
  registerLabVpn(root);
  registerLabGcp(root);
  registerSchema(root);
  registerHealth(root);
  registerUp(root);
  registerDelayProxy(root);
  registerLabAws(root);
  registerGitHost(root);
  registerDnsProxy(root);
  registerCompletion(root);
  return inherit(root);
}

/** Subcommands must throw as the root does, and suggest as it does. */
function inherit(command: Command): Command {
  for (const child of command.commands) {
    child.copyInheritedSettings(command).exitOverride();
    inherit(child);
  }
  return command;
}
