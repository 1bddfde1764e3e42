import { PosternError } from '@postern/core';
import type { Http2Session } from '../http2/index.ts';
import { callHeaders, ControlStream, grpcErrorOf } from '../transport/index.ts';
import { decodeServerMessage, encodePeerMessage, grpcPaths, type ServerMessage } from '../wire/index.ts';
import type { IssuedCertificate } from './certificate.ts';

export interface Hello {
  readonly role: 'agent' | 'client';
  readonly instance: string;
  readonly version: string;
}

/** Register must be answered within this time, or the other side is not a tunnel server. */
const welcomeMs = 10_000;

/**
 * One authorised HTTP/2 session of an agent or a client.
 *
 * - `ready`: new connections go here
 * - `draining`: a newer session has taken over, or the server asked; ends with its last connection
 * - `closed`: gone, with all it carried
 */
export class LinkSession {
  state: 'ready' | 'draining' | 'closed' = 'ready';
  /** Connections it carries; maintained by the agent or client. */
  connections = 0;
  readonly http2: Http2Session;
  readonly certificate: IssuedCertificate;
  readonly closed: Promise<string>;
  id = '';
  parkedAccepts = 0;
  #control: ControlStream<ServerMessage> | undefined;
  #closeReason: string | undefined;

  constructor(http2: Http2Session, certificate: IssuedCertificate) {
    this.http2 = http2;
    this.certificate = certificate;
    this.closed = new Promise((resolve) => {
      http2.once('close', () => {
        this.state = 'closed';
        resolve(this.#closeReason ?? http2.error?.message ?? 'the server closed the connection');
      });
    });
  }

  /** Makes the Register call; resolves when the server has said Welcome. */
  register(hello: Hello, onDrain: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = this.http2.request(callHeaders(grpcPaths.register));
      let failure: Error | undefined;
      const timer = setTimeout(() => {
        failure = new PosternError('CALL_TIMEOUT', 'the server did not welcome this peer');
        stream.close('CANCEL');
      }, welcomeMs);
      this.#control = new ControlStream<ServerMessage>(stream, {
        decode: decodeServerMessage,
        ping: (id) => encodePeerMessage({ kind: 'ping', id }),
        onDead: (reason) => this.destroy(`the server ${reason}`),
        onMessage: (message) => {
          if (message.kind === 'welcome') {
            clearTimeout(timer);
            this.id = message.session;
            this.parkedAccepts = message.parkedAccepts;
            resolve();
          } else this.#onMessage(message, onDrain);
        },
      });
      stream.once('response', (headers) => (failure ??= grpcErrorOf(headers)));
      stream.once('trailers', (headers) => (failure ??= grpcErrorOf(headers)));
      this.http2.once('goaway', onDrain); // a proxy between that is being reloaded says it for the server
      stream.once('close', () => {
        clearTimeout(timer);
        failure ??= this.http2.error;
        reject(failure ?? new PosternError('CLOSED', 'the server ended the registration'));
        this.destroy(failure?.message);
      });
      this.#control.send(encodePeerMessage({ kind: 'hello', ...hello }));
    });
  }

  #onMessage(message: ServerMessage, onDrain: () => void): void {
    if (message.kind === 'ping') this.#control!.send(encodePeerMessage({ kind: 'pong', id: message.id }));
    else if (message.kind === 'pong') this.#control!.alive();
    else if (message.kind === 'drain') onDrain();
  }

  /** Tells the server that the customer paused the agent; the session ends right after. */
  pause(reason: string): void {
    this.#control?.send(encodePeerMessage({ kind: 'pause', reason }));
  }

  /** No new connections from here on; the session ends with its last one. */
  drain(withinMs: number): void {
    if (this.state !== 'ready') return;
    this.state = 'draining';
    this.#control?.send(encodePeerMessage({ kind: 'drain', withinMs }));
    this.closeIfIdle();
  }

  closeIfIdle(): void {
    if (this.state !== 'draining' || this.connections > 0) return;
    // Only Register and parked calls are left. A turn later, so that Drain and the last trailers are on their way.
    setImmediate(() => this.connections === 0 && this.destroy('drained'));
  }

  destroy(reason: string | undefined): void {
    if (this.state === 'closed') return;
    this.#closeReason ??= reason;
    this.http2.destroy();
  }
}
