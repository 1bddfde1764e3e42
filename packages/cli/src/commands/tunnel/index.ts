import type { Command } from 'commander';
import { addAgent } from './agent.ts';
import { addAudit } from './audit.ts';
import { addClient } from './client.ts';
import { addDoctor } from './doctor.ts';
import { addIdentity } from './identity.ts';
import { addInit } from './init.ts';
import { addServer } from './server.ts';
import { addStatus } from './status.ts';

/** `postern tunnel ...` */
export function registerTunnel(root: Command): void {
  const tunnel = root
    .command('tunnel')
    .description('a private path out of a network without an inbound port: agent, server, client');
  addInit(tunnel);
  addIdentity(tunnel);
  addServer(tunnel);
  addAgent(tunnel);
  addClient(tunnel);
  addStatus(tunnel);
  addAudit(tunnel);
  addDoctor(tunnel);
}
