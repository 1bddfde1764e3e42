import { Command } from 'commander';

/** One version for all packages. */
export const version = '0.1.0';

type Register = (root: Command) => void;

/**
 * Every noun, in the order in which help lists them. Each is loaded when it is typed: to register all of them takes as long as
 * to generate an instance. Its actions import their feature only when they run, so that `postern tunnel agent` never loads what
 * belongs to another room.
 */
const nouns: Readonly<Record<string, () => Promise<Register>>> = {
  tunnel: async () => (await import('./commands/tunnel/index.ts')).registerTunnel,
  instance: async () => (await import('./commands/instance/index.ts')).registerInstance,
  generate: async () => (await import('./commands/generate.ts')).registerGenerate,
  privatelink: async () => (await import('./commands/privatelink/index.ts')).registerPrivatelink,
  images: async () => (await import('./commands/images/index.ts')).registerImages,
  sandbox: async () => (await import('./commands/sandbox/index.ts')).registerSandbox,
  lab: async () => (await import('./commands/lab/index.ts')).registerLab,
  schema: async () => (await import('./commands/schema.ts')).registerSchema,
  health: async () => (await import('./commands/health.ts')).registerHealth,
  up: async () => (await import('./commands/up.ts')).registerUp,
  'dns-proxy': async () => (await import('./commands/dns-proxy.ts')).registerDnsProxy,
  completion: async () => (await import('./commands/completion.ts')).registerCompletion,
};

/** The command tree: only the noun that `argv` begins with, or all of it where it begins with none (help, completion, a slip). */
export async function program(argv: readonly string[] = []): Promise<Command> {
  const root = new Command('postern')
    .description('A private, audited path from a hosted product to what its customer keeps behind a firewall.')
    .version(version, '-V, --version')
    .showHelpAfterError('(add --help for usage and examples)')
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false })
    .exitOverride();
  const typed = argv[0] !== undefined && Object.hasOwn(nouns, argv[0]) ? nouns[argv[0]] : undefined;
  const loading = typed === undefined ? Object.values(nouns) : [typed];
  for (const register of await Promise.all(loading.map((load) => load()))) register(root);
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
