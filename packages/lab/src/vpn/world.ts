import { setTimeout as delay } from 'node:timers/promises';
import { PosternError } from '@postern/core';
import {
  awsInside,
  birdConfig,
  parseProtocols,
  parseRoutes,
  type Peering,
  type PeeringState,
  peerings,
} from './bird-config.ts';
import { type Broken, isBroken } from './breakages.ts';
import type { VpnDesign } from '@postern/core';
import type { Quirks } from './ike-config.ts';
import { handOver, IkeEnd, type IkeTrouble } from './ike-end.ts';
import { exec, type Rig } from './rig.ts';
import { parseForwarding, type Forwarding } from './forwarding.ts';
import { applyIngress, blockBgp, buildTopology, lanAddresses, mtuBytes } from './topology.ts';

/** What is seen of one tunnel, from both ends. */
export interface TunnelState {
  readonly name: string;
  readonly ike: boolean;
  readonly child: boolean;
  /** As the Google end, which begins, heard it. */
  readonly trouble: IkeTrouble;
  readonly gcpBgp: string;
  readonly awsBgp: string;
  readonly gcpLearned: readonly string[];
  readonly awsLearned: readonly string[];
}

/** A look runs a dozen small programs. */
const lookEveryMs = 500;
/** What an AWS end behind a NAT would call itself. */
const otherIdentity = '198.51.100.250';

/** Two clouds, joined: IKE daemons and BGP routers in namespaces. */
export class World {
  readonly design: VpnDesign;
  readonly broken: Broken;
  readonly rig: Rig;
  readonly #gcp: IkeEnd[];
  readonly #aws: IkeEnd[];
  readonly #handedOver = new Set<string>();

  constructor(rig: Rig, design: VpnDesign, broken: Broken) {
    this.rig = rig;
    this.design = design;
    this.broken = broken;
    this.#gcp = design.tunnels.map((tunnel, i) => new IkeEnd(rig, `g${i}`, tunnel, 'gcp'));
    this.#aws = design.tunnels.map((tunnel, i) => new IkeEnd(rig, `a${i}`, tunnel, 'aws', quirks(design, broken, i)));
  }

  /** Namespaces, routers and IKE daemons; the tunnels come up afterwards, or do not. */
  async start(signal: AbortSignal, step: (text: string) => void, wired: () => Promise<void>): Promise<void> {
    const { broken, design, rig } = this;
    step('wiring the namespaces');
    await buildTopology(rig, design);
    await wired();
    await applyIngress(rig, design);
    await blockBgp(rig, broken['bgp-blocked'] ?? []);
    if (isBroken(broken, 'static-route'))
      await rig.ip(
        'aws',
        design.advertised.slice(0, 1).map((range) => `route add blackhole ${range}`),
      );
    for (const i of broken.narrowed ?? []) await this.#addressesFor(i);
    step('starting BIRD in both routers');
    await this.#startRouter('aws');
    if (!isBroken(broken, 'router-absent')) await this.#startRouter('gcp');
    const aws = this.#aws.filter((_, i) => !isBroken(broken, 'connection-absent', i));
    const gcp = this.#gcp.filter((_, i) => !isBroken(broken, 'tunnel-absent', i));
    step(`starting ${gcp.length + aws.length} IKE daemons`);
    await Promise.all([...aws, ...gcp].map((end) => end.start(signal)));
    for (const end of [...aws, ...gcp]) {
      if (isBroken(broken, 'unfinished', this.#gcp.indexOf(end))) end.leaveUnconfigured();
      else await end.load();
    }
    for (const i of broken['gateway-failed'] ?? []) await this.#gcp[i]!.crash();
  }

  /** The daemon installs a route with each policy, and needs an address of its own in narrower selectors to do so. */
  async #addressesFor(i: number): Promise<void> {
    const { design, rig } = this;
    await rig.ip(`a${i}`, [`addr add ${lanAddresses(design.vpcCIDR)[0]}/32 dev lo`]);
    await rig.ip(`g${i}`, [`addr add ${lanAddresses(design.appCIDR)[0]}/32 dev lo`]);
  }

  async #startRouter(side: 'aws' | 'gcp'): Promise<void> {
    const { design } = this;
    const config = birdConfig({
      routerId: side === 'aws' ? '192.0.2.253' : '192.0.2.254',
      advertise: side === 'gcp' ? design.advertised : isBroken(this.broken, 'gateway-detached') ? [] : [design.vpcCIDR],
      peerings: this.#peerings(side),
      ecmp: side === 'gcp',
      install: side === 'gcp' || design.aws.propagated,
    });
    const file = this.rig.write(`bird-${side}.conf`, config);
    const child = this.rig.daemon(side, 'bird', [
      '-f',
      '-c',
      file,
      '-s',
      this.#birdSocket(side),
      '-P',
      '/run/bird.pid',
    ]);
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
    for (let waitedMs = 0; ; waitedMs += 50) {
      if (
        await this.#birdc(side, 'show status').then(
          () => true,
          () => false,
        )
      )
        return;
      if (waitedMs > 10_000) throw new PosternError('LAB_BGP', `BIRD in ${side} did not start:\n${log}`);
      await delay(50);
    }
  }

  #peerings(side: 'aws' | 'gcp'): Peering[] {
    const all = peerings(this.design, side);
    if (side === 'aws') return all;
    return all
      .map((peer, i) => ({ ...peer, disabled: isBroken(this.broken, 'peer-disabled', i) }))
      .filter((_, i) => !isBroken(this.broken, 'peer-absent', i));
  }

  #birdSocket(side: 'aws' | 'gcp'): string {
    return this.rig.path(`bird-${side}.ctl`);
  }

  #birdc(side: 'aws' | 'gcp', command: string): Promise<string> {
    return exec('birdc', ['-r', '-s', this.#birdSocket(side), ...command.split(' ')]);
  }

  /** Both ends of every tunnel as they are now. A tunnel found established is handed to its routers first. */
  async observe(): Promise<TunnelState[]> {
    const ends = await Promise.all(
      this.design.tunnels.map(async (_, i) => ({ gcp: await this.#gcp[i]!.state(), aws: await this.#aws[i]!.state() })),
    );
    for (const [i, { gcp, aws }] of ends.entries()) if (gcp.child && aws.child) await this.#handOver(i);
    const [gcpPeers, awsPeers] = [await this.#bgp('gcp'), await this.#bgp('aws')];
    return this.design.tunnels.map((tunnel, i) => {
      const { gcp, aws } = ends[i]!;
      const [gcpPeer, awsPeer] = [gcpPeers.get(`t${i}`), awsPeers.get(`t${i}`)];
      return {
        name: tunnel.name,
        ike: gcp.ike && aws.ike,
        child: gcp.child && aws.child,
        trouble: gcp.child && aws.child ? 'none' : this.#gcp[i]!.trouble,
        gcpBgp: gcpPeer?.state ?? 'Idle',
        awsBgp: awsPeer?.state ?? 'Idle',
        gcpLearned: gcpPeer?.routes ?? [],
        awsLearned: awsPeer?.routes ?? [],
      };
    });
  }

  async #handOver(i: number): Promise<void> {
    const tunnel = this.design.tunnels[i]!;
    const [vgw] = awsInside(tunnel.aws.insideCIDR);
    const prefix = tunnel.aws.insideCIDR.split('/')[1]!;
    for (const move of [
      { end: `a${i}`, router: 'aws', address: `${vgw}/${prefix}` },
      { end: `g${i}`, router: 'gcp', address: tunnel.gcp.inside },
    ]) {
      if (this.#handedOver.has(move.end)) continue;
      this.#handedOver.add(move.end);
      await handOver(this.rig, { ...move, device: `tun${i}`, mtuBytes });
    }
  }

  async #bgp(side: 'aws' | 'gcp'): Promise<Map<string, PeeringState & { routes: string[] }>> {
    if (side === 'gcp' && isBroken(this.broken, 'router-absent')) return new Map();
    const states = parseProtocols(await this.#birdc(side, 'show protocols all'));
    const routes = parseRoutes(await this.#birdc(side, 'show route'));
    return new Map(states.map((state) => [state.name, { ...state, routes: routes.get(state.name) ?? [] }]));
  }

  /** The customer's side's forwarding table, which stands for the VPC's route table. */
  async forwarding(): Promise<Forwarding> {
    return parseForwarding(await this.rig.in('aws', 'ip', ['route', 'show']));
  }

  /** Waits until `holds` says yes of the state, or the time is up; the last state either way. */
  async until(
    holds: (states: readonly TunnelState[]) => boolean,
    {
      timeoutMs,
      signal,
      seen,
    }: { timeoutMs: number; signal: AbortSignal; seen?: (states: readonly TunnelState[]) => void },
  ): Promise<TunnelState[]> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      signal.throwIfAborted();
      const states = await this.observe();
      seen?.(states);
      if (holds(states) || performance.now() > deadlineMs) return states;
      await delay(lookEveryMs, undefined, { signal });
    }
  }

  /** Why a tunnel stays down, in the daemons' words. */
  log(index: number): string {
    return `google end:\n${this.#gcp[index]!.log}\naws end:\n${this.#aws[index]!.log}`;
  }
}

export const up = (state: TunnelState): boolean => state.gcpBgp === 'Established' && state.awsBgp === 'Established';

/** What an AWS end does otherwise than its options say. */
function quirks(design: VpnDesign, broken: Broken, i: number): Quirks {
  const { phase1 } = design.tunnels[i]!.aws;
  return {
    ...(isBroken(broken, 'wrong-identity', i) && { identity: otherIdentity }),
    ...(isBroken(broken, 'ikev1-only', i) && { version: 1 }),
    ...(isBroken(broken, 'stale-options', i) && { phase1: { ...phase1, dhGroups: [17] } }),
    ...(isBroken(broken, 'narrowed', i) && { selectors: { local: design.vpcCIDR, remote: design.appCIDR } }),
  };
}
