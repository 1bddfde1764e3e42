/** The shape that HAProxy, nginx and stunnel take to be comparable: three processes, a TLS 1.3 leg between each two. */
import { need, type Running } from '@postern/testing';
import { type Certificate, certificateOf } from './certificate.ts';
import { type Contestant, freePorts, type Role, type World } from './world.ts';

/** One process: from where to where, and on which sides it speaks TLS. */
export interface Leg {
  readonly role: Role;
  readonly listen: number;
  readonly to: number;
  readonly tlsIn: boolean;
  readonly tlsOut: boolean;
}

export interface LegProgram {
  readonly name: string;
  readonly version: string;
  readonly settings: string;
  start(leg: Leg, certificate: Certificate): Running | Promise<Running>;
}

export const lacking = (program: string): string | false => need(program, 'openssl');

export async function startLegs(world: World, program: LegProgram): Promise<Contestant> {
  const certificate = await certificateOf(world);
  const [client, server, agent] = (await freePorts(3)) as [number, number, number];
  const legs: readonly Leg[] = [
    { role: 'agent', listen: agent, to: world.targetPort, tlsIn: true, tlsOut: false },
    { role: 'server', listen: server, to: agent, tlsIn: true, tlsOut: true },
    { role: 'client', listen: client, to: server, tlsIn: false, tlsOut: true },
  ];
  const pids: Partial<Record<Role, number>> = {};
  const processes: Running[] = [];
  for (const leg of legs) {
    const running = await program.start(leg, certificate);
    processes.push(running);
    pids[leg.role] = running.child.pid!;
  }
  await world.carrying(client, processes);
  return { name: program.name, version: program.version, settings: program.settings, port: client, pids };
}
