/** Who is measured: Postern, the direct path, and what people use today. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@postern/testing';
import { TunnelWorld } from '../../test/e2e/tunnel/world.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { openssh } from './openssh.ts';
import { stunnel } from './stunnel.ts';
import type { Start } from './world.ts';

/** Three daemons of real processes, mTLS on both legs, policy and audit on; the load enters by a static forward. */
const postern: Start = async (world) => {
  const tunnel = await TunnelWorld.start({ forwards: [`127.0.0.1:${world.targetPort}`] });
  world.own(() => tunnel[Symbol.asyncDispose]());
  const { version } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { version: string };
  const port = tunnel.forwardPort(0);
  await world.carrying(port);
  return {
    name: 'postern',
    version,
    settings: 'defaults, a static forward; policy at every open, audit on',
    port,
    pids: {
      client: tunnel.client.process.child.pid!,
      server: tunnel.server.process.child.pid!,
      agent: tunnel.agent.process.child.pid!,
    },
  };
};

const direct: Start = async (world) => ({
  name: 'direct',
  version: process.versions.node,
  settings: 'TCP to the target, nothing between and no encryption',
  port: world.targetPort,
  pids: {},
});

export const contestants: Readonly<Record<string, Start>> = { postern, direct, openssh, haproxy, nginx, stunnel };
