import type { Command } from 'commander';

/** The `lab` noun, made once whichever of its verbs is registered first. */
export function labCommand(root: Command): Command {
  return (
    root.commands.find((command) => command.name() === 'lab') ??
    root.command('lab').description('rehearsal worlds on one machine: simulators, a WAN, a VPN')
  );
}
