import { resolve } from 'node:path';
import type { Command } from 'commander';
import { daemonCommand } from './daemon.ts';

/** `postern tunnel agent` and the customer's switch: `pause`, `resume`, `stop`. */
export function addAgent(tunnel: Command): void {
  const agent = tunnel
    .command('agent')
    .description("run the agent in the customer's network; it only dials out")
    .addHelpText(
      'after',
      '\nExamples:\n  postern tunnel agent --config agent.yaml\n  postern tunnel agent pause --config agent.yaml    ends every connection now, and stays so across restarts\n  postern tunnel agent resume --config agent.yaml\n  postern tunnel agent stop --config agent.yaml     drains and ends the running agent\n',
    );
  daemonCommand(agent, 'tunnel-agent', async (config, signal, log) =>
    (await import('@postern/tunnel/agent')).runAgent(config, signal, log),
  );
  for (const [verb, description] of [
    ['pause', 'end every connection of the agent within a second; holds across restarts until resume'],
    ['resume', 'end a pause'],
    ['stop', 'tell the running agent to drain and end'],
  ] as const) {
    agent
      .command(verb)
      .description(description)
      .option('-c, --config <file>', "the agent's configuration file")
      .action(async (_options: object, command: Command) => {
        const { flipSwitch } = await import('./agent-switch.ts');
        await flipSwitch(verb, configOf(command));
      });
  }
}

/** `agent --config F pause` and `agent pause --config F` say the same. */
function configOf(command: Command): string {
  const { config } = command.optsWithGlobals<{ config?: string }>();
  if (config === undefined)
    command.error("error: required option '-c, --config <file>' not specified", { exitCode: 2 });
  return resolve(config);
}
