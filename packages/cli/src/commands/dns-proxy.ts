import { type Command, Option } from 'commander';

/** `postern dns-proxy --config FILE`: private names resolve, and nothing else changes. */
export function registerDnsProxy(root: Command): void {
  root
    .command('dns-proxy')
    .description('answer DNS queries: the listed private names by their routes, everything else relayed as it is')
    .requiredOption('-c, --config <file>', 'the configuration (kind: DNSProxy)')
    .addOption(
      new Option('--engine <engine>', 'builtin runs the proxy; coredns prints the equivalent Corefile')
        .choices(['builtin', 'coredns'])
        .default('builtin'),
    )
    .addOption(new Option('--print-plan', 'print what the configuration comes to, as JSON').hideHelp())
    .addHelpText(
      'after',
      `
Examples:
  postern dns-proxy --config dns-proxy.yaml
  dig @127.0.0.1 gitlab.internal.acme.example
  kill -HUP PID                                        # reads the configuration again; so does a change of the file
  postern dns-proxy --config dns-proxy.yaml --engine coredns > Corefile
`,
    )
    .action(async (options: { config: string; engine: 'builtin' | 'coredns'; printPlan?: boolean }) => {
      const { corefile, loadPlan, startDnsProxy } = await import('@postern/dns');
      const plan = loadPlan(options.config);
      if (options.printPlan === true) process.stdout.write(`${JSON.stringify(plan)}\n`);
      else if (options.engine === 'coredns') process.stdout.write(corefile(plan));
      else await startDnsProxy(plan, options.config);
    });
}
