import { formatDuration } from '@postern/core';
import type { Http2Stream } from '@postern/tunnel/http2';
import type { Sweepable, Sweeper } from '@postern/tunnel/transport';
import { dialDidNotBegin, type ResetCode, resetFrame } from '@postern/tunnel/wire';
import { beginResponse } from '../server/grpc-server.ts';
import { Leg } from './leg.ts';
import type { Endable, PeerSession, SessionEnd } from './session.ts';

export interface Choice {
  readonly session: PeerSession;
  readonly stream: Http2Stream;
  readonly rule: string;
}

export interface ConnectionRequest {
  readonly id: string;
  readonly client: PeerSession;
  readonly stream: Http2Stream;
  /** Canonical host:port. */
  readonly target: string;
}

/** What became of a connection; `rule`, `agent` and `resolvedAddress` as far as it got. */
export interface ConnectionOutcome {
  readonly rule?: string;
  readonly agent?: PeerSession;
  readonly resolvedAddress?: string;
  readonly bytesFromClient: number;
  readonly bytesFromAgent: number;
  readonly durationMs: number;
  readonly reset?: { readonly code: ResetCode; readonly message: string };
}

export interface ConnectionDeps {
  readonly sweeper: Sweeper;
  /** The whole time for finding an agent and dialling. */
  readonly openTimeoutMs: () => number;
  /** Another agent than those tried, when one is ready; waits a moment for one that is about to be. */
  readonly choose: (tried: ReadonlySet<PeerSession>) => Promise<Choice | undefined>;
  readonly onOpen: (connection: Connection, outcome: ConnectionOutcome) => void;
  readonly onRefuse: (connection: Connection, outcome: ConnectionOutcome) => void;
  readonly onClose: (connection: Connection, outcome: ConnectionOutcome) => void;
}

/**
 * One connection at the broker, from the client's call to both ends' goodbye.
 *
 * `opening`: an agent is asked to dial; another may be asked while nothing was dialled.
 * `open`: the agent is connected, bytes flow both ways.
 * `over`: refused or ended; said exactly once.
 */
export class Connection implements Endable, Sweepable {
  readonly request: ConnectionRequest;
  state: 'opening' | 'open' | 'over' = 'opening';
  lastActivityMs = performance.now();
  readonly #deps: ConnectionDeps;
  readonly #startedMs = performance.now();
  readonly #tried = new Set<PeerSession>();
  readonly #clientLeg: Leg;
  #agentLeg: Leg | undefined;
  #choice: Choice | undefined;
  #resolvedAddress: string | undefined;
  #clientFin = false;
  #agentFin = false;
  #timer: NodeJS.Timeout | undefined;
  /** The chunk that holds the last fin or a Reset is still to be forwarded, though all is decided. */
  #passing = false;

  constructor(request: ConnectionRequest, deps: ConnectionDeps) {
    this.request = request;
    this.#deps = deps;
    request.client.connections.add(this);
    this.#clientLeg = new Leg(request.stream, {
      data: () => this.state === 'opening' && this.#broken('the client sent data before Opened'),
      opened: () => this.#broken('a client sent Opened'),
      fin: () => {
        if (this.state === 'opening') return this.#broken('the client sent fin before Opened');
        this.#clientFin = true;
        this.#finishIfDone();
      },
      reset: (code, message) => this.#reset({ code, message }),
      lost: (code, message) => this.#end({ code, message: code === 'INTERNAL' ? message : 'the client went away' }),
      forwards: () => this.state === 'open' || this.#passing,
      activity: () => (this.lastActivityMs = performance.now()),
    });
  }

  get halfClosed(): boolean {
    return this.#clientFin !== this.#agentFin;
  }

  get outcome(): ConnectionOutcome {
    return {
      ...(this.#choice === undefined ? {} : { rule: this.#choice.rule, agent: this.#choice.session }),
      ...(this.#resolvedAddress === undefined ? {} : { resolvedAddress: this.#resolvedAddress }),
      bytesFromClient: this.#clientLeg.bytes,
      bytesFromAgent: this.#agentLeg?.bytes ?? 0,
      durationMs: Math.round(performance.now() - this.#startedMs),
    };
  }

  /** Begins: the client may change its mind from here on, and finds an agent. */
  begin(): void {
    this.#clientLeg.start();
    void this.#open();
  }

  /** Finds an agent and asks it to dial. */
  async #open(): Promise<void> {
    const timeoutMs = this.#deps.openTimeoutMs();
    this.#timer ??= setTimeout(
      () => this.#end({ code: 'DIAL_TIMEOUT', message: `no answer within ${formatDuration(timeoutMs)}` }),
      timeoutMs,
    );
    const choice = await this.#deps.choose(this.#tried);
    if (this.state !== 'opening') return void (choice !== undefined && this.#giveBack(choice));
    if (choice === undefined)
      return this.#end({ code: 'NO_AGENT', message: `no agent is connected that may serve ${this.request.target}` });
    this.#choice = choice;
    this.#tried.add(choice.session);
    choice.session.connections.add(this);
    this.#ask(choice);
  }

  /** A call that was taken for a caller who is gone: the agent is told, and parks another. */
  #giveBack({ stream }: Choice): void {
    beginResponse(stream, {
      'postern-target': this.request.target,
      'postern-connection-id': this.request.id,
      'postern-client': this.request.client.info.identity,
    });
    stream.end(resetFrame('ABORTED', 'the client went away'));
  }

  #ask({ session, stream }: Choice): void {
    let asked = true;
    const again = (): void => {
      asked = false;
      session.connections.delete(this);
      this.#agentLeg = undefined;
      void this.#open();
    };
    const leg = new Leg(stream, {
      data: () => this.state === 'opening' && this.#broken('the agent sent data before Opened'),
      opened: (address) => this.#opened(address),
      fin: () => {
        this.#agentFin = true;
        this.#finishIfDone();
      },
      reset: (code, message) => {
        if (this.state === 'opening' && dialDidNotBegin.has(code)) {
          leg.end();
          again();
        } else this.#reset({ code, message });
      },
      // Lost before Opened: the agent may have dialled, but nothing of the client's can have flowed.
      lost: (code, message) => {
        if (!asked) return;
        if (this.state === 'opening' && code === 'ABORTED') again();
        else this.#end({ code, message: code === 'INTERNAL' ? message : 'the agent went away' });
      },
      forwards: () => asked && (this.state === 'open' || this.#passing),
      activity: () => (this.lastActivityMs = performance.now()),
    });
    this.#agentLeg = leg;
    beginResponse(stream, {
      'postern-target': this.request.target,
      'postern-connection-id': this.request.id,
      'postern-client': this.request.client.info.identity,
    });
    leg.start();
  }

  #opened(address: string): void {
    if (this.state !== 'opening') return;
    clearTimeout(this.#timer);
    this.state = 'open';
    this.#resolvedAddress = address.slice(0, 64);
    beginResponse(this.request.stream, { 'postern-connection-id': this.request.id });
    Leg.join(this.#clientLeg, this.#agentLeg!);
    this.#deps.sweeper.add(this);
    this.#deps.onOpen(this, this.outcome);
  }

  #finishIfDone(): void {
    if (!this.#clientFin || !this.#agentFin || this.state !== 'open') return;
    this.#pass(undefined);
  }

  /** The fin or Reset just read is in a chunk that is forwarded after this callback: both calls end behind it. */
  #pass(reset: ConnectionOutcome['reset']): void {
    this.#passing = true;
    process.nextTick(() => {
      this.#passing = false;
      this.#clientLeg.end();
      this.#agentLeg!.end();
    });
    this.#over(reset);
  }

  /** A Reset passed: it is forwarded as it is, then both calls end. */
  #reset(reset: NonNullable<ConnectionOutcome['reset']>): void {
    if (this.state !== 'open') return this.#end(reset);
    return this.#pass(reset);
  }

  #broken(message: string): void {
    this.#end({ code: 'INTERNAL', message });
  }

  /** Ends or refuses it from here. */
  #end(reset: NonNullable<ConnectionOutcome['reset']>): void {
    if (this.state === 'over') return;
    const { stream } = this.request;
    if (this.state === 'opening' && !stream.closed && !stream.headersSent)
      beginResponse(stream, { 'postern-connection-id': this.request.id });
    this.#over(reset);
    this.#clientLeg.endWithReset(reset.code, reset.message);
    this.#agentLeg?.endWithReset(reset.code, reset.message);
  }

  #over(reset: ConnectionOutcome['reset']): void {
    const wasOpen = this.state === 'open';
    this.state = 'over';
    clearTimeout(this.#timer);
    this.#deps.sweeper.delete(this);
    this.request.client.connections.delete(this);
    this.#choice?.session.connections.delete(this);
    const outcome = { ...this.outcome, ...(reset === undefined ? {} : { reset }) };
    if (wasOpen) this.#deps.onClose(this, outcome);
    else this.#deps.onRefuse(this, outcome);
  }

  /** Refused before any agent was asked. */
  refuse(code: ResetCode, message: string): void {
    this.#end({ code, message });
  }

  sessionEnded(session: PeerSession, reason: SessionEnd): void {
    const whose = session === this.request.client ? 'client' : 'agent';
    this.#end({ code: 'SESSION_ENDED', message: `the ${whose}'s session ended: ${reason}` });
  }

  expire(silentMs: number): void {
    this.#end({
      code: 'IDLE_TIMEOUT',
      message: `silent for ${formatDuration(Math.floor(silentMs / 1000) * 1000)}${this.halfClosed ? ', half-closed' : ''}`,
    });
  }
}
