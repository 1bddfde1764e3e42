import type { Command } from 'commander';
import { addAgent } from './agent.ts';
import { addClient } from './client.ts';
import { addDoctor } from './doctor.ts';
import { addStatus } from './status.ts';

/** `postern tunnel ...` */
export function registerTunnel(root: Command): void {
  const tunnel = root
    .command('tunnel')
    .description('a private path out of a network without an inbound port: agent, server, client');
  addAgent(tunnel);
  addClient(tunnel);
  addStatus(tunnel);
  addDoctor(tunnel);
}
