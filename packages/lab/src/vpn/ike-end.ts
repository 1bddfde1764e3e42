import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { PosternError } from '@postern/core';
import type { TunnelDesign } from '@postern/core';
import { charonConfig, type Quirks, swanctlConfig } from './ike-config.ts';
import { exec, type Rig } from './rig.ts';

/** Debian keeps the daemon outside of PATH. */
export const charonPath = '/usr/lib/ipsec/charon';

/** What an IKE daemon last said of its tunnel, in the words of RFC 7296's notifications. */
export type IkeTrouble =
  | 'none'
  | 'authentication-failed'
  | 'identity-mismatch'
  | 'no-proposal-chosen'
  | 'narrowed'
  | 'no-answer'
  | 'not-configured'
  | 'gone';

/** What Cloud VPN takes down although strongSwan has it up. */
const refused: ReadonlySet<IkeTrouble> = new Set(['identity-mismatch', 'narrowed']);
const establishedWith = /IKE_SA \S+ established between \S+\[\S+\]\.\.\.([^[\s]+)\[([^\]]+)\]/;
const wholeSelectors = /TS 0\.0\.0\.0\/0 === 0\.0\.0\.0\/0/;

/** One end of a tunnel: a strongSwan daemon in a namespace of its own. */
export class IkeEnd {
  readonly #rig: Rig;
  readonly #namespace: string;
  readonly #tunnel: TunnelDesign;
  readonly #side: 'aws' | 'gcp';
  readonly #uri: string;
  readonly #quirks: Quirks;
  #child: ChildProcess | undefined;
  /** The peer calls itself another address than its own. */
  #mistaken = false;
  #trouble: IkeTrouble = 'none';
  #log = '';

  constructor(rig: Rig, namespace: string, tunnel: TunnelDesign, side: 'aws' | 'gcp', quirks: Quirks = {}) {
    this.#quirks = quirks;
    this.#rig = rig;
    this.#namespace = namespace;
    this.#tunnel = tunnel;
    this.#side = side;
    this.#uri = `unix://${rig.path(`${namespace}.vici`)}`;
  }

  get trouble(): IkeTrouble {
    const { exitCode, signalCode } = this.#child ?? { exitCode: null, signalCode: null };
    return exitCode === null && signalCode === null ? this.#trouble : 'gone';
  }

  /** The daemon's last lines, for an error message. */
  get log(): string {
    return this.#log;
  }

  async start(signal: AbortSignal): Promise<void> {
    const config = this.#rig.write(`${this.#namespace}.conf`, charonConfig(this.#rig.path(`${this.#namespace}.vici`)));
    this.#child = this.#rig.daemon(this.#namespace, charonPath, [], { STRONGSWAN_CONF: config });
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#listen(chunk.toString()));
    this.#child.stdout?.resume();
    // 10 s: it listens within a third of a second on an idle machine.
    for (let waitedMs = 0; ; waitedMs += 50) {
      signal.throwIfAborted();
      if (
        await this.#swanctl(['--stats', '--uri', this.#uri]).then(
          () => true,
          () => false,
        )
      )
        return;
      if (waitedMs > 10_000 || this.#child.exitCode !== null)
        throw new PosternError('LAB_IKE', `the IKE daemon in ${this.#namespace} did not start:\n${this.#log}`);
      await delay(50);
    }
  }

  /** It runs and knows of no tunnel: what `load` would tell it is still missing. */
  leaveUnconfigured(): void {
    this.#trouble = 'not-configured';
  }

  /** Dies at once, and says nothing to its peer. */
  async crash(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async load(): Promise<void> {
    const file = this.#rig.write(`${this.#namespace}.swanctl`, swanctlConfig(this.#tunnel, this.#side, this.#quirks));
    await this.#swanctl(['--load-all', '--file', file, '--uri', this.#uri]);
  }

  /** `ike` and `child` as the daemon has them now. */
  async state(): Promise<{ ike: boolean; child: boolean }> {
    const text = await this.#swanctl(['--list-sas', '--uri', this.#uri]).catch(() => '');
    return { ike: /ESTABLISHED/.test(text), child: /INSTALLED/.test(text) && !refused.has(this.#trouble) };
  }

  /** strongSwan takes what Cloud VPN refuses: such a tunnel is taken down again, by the Google end. */
  #judge(whole: boolean): void {
    this.#trouble = this.#mistaken ? 'identity-mismatch' : whole ? 'none' : 'narrowed';
    if (this.#trouble !== 'none' && this.#side === 'gcp')
      void this.#swanctl(['--terminate', '--ike', 't', '--uri', this.#uri]).catch(() => {}); // it may have gone by itself
  }

  #swanctl(args: readonly string[]): Promise<string> {
    return exec('swanctl', args);
  }

  #listen(text: string): void {
    this.#log = (this.#log + text).slice(-4000); // enough for the last attempt
    for (const line of text.split('\n')) {
      const [, address, identity] = establishedWith.exec(line) ?? [];
      if (address !== undefined) this.#mistaken = address !== identity;
      if (/CHILD_SA .* established/.test(line)) this.#judge(wholeSelectors.test(line));
      else if (/AUTHENTICATION_FAILED/.test(line)) this.#trouble = 'authentication-failed';
      else if (/NO_PROPOSAL_CHOSEN|no acceptable .* found|no IKE config found/.test(line))
        this.#trouble = 'no-proposal-chosen';
      else if (/retransmit \d+ of request|giving up after|peer not responding/.test(line)) this.#trouble = 'no-answer';
    }
  }
}

/**
 * Moves the finished tunnel into its router. Only after the CHILD_SA is installed: the daemon looks its TUN device up by
 * name while it installs. Rule 220 would send forwarded packets back into the tunnel.
 */
export async function handOver(
  rig: Rig,
  options: { end: string; router: string; device: string; address: string; mtuBytes: number },
): Promise<void> {
  const { end, router, device, address } = options;
  await rig.ip(end, [
    `link set ipsec0 down`,
    `link set ipsec0 name ${device}`,
    `link set ${device} netns ${rig.name(router)}`,
  ]);
  await rig.ip(router, [
    `link set ${device} mtu ${options.mtuBytes}`,
    `addr add ${address} dev ${device}`,
    `link set ${device} up`,
  ]);
  await rig.ip(end, ['rule del pref 220']).catch(() => {}); // absent where the daemon was told nothing to route
}
