import type { Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { PosternError } from '@postern/core';

const lookMs = 1000;

/**
 * Ends a session whose TCP connection was reset unnoticed.
 *
 * While node:http2 writes it does not read (`MaybeStopReading` in node_http2.cc), and when the write then fails it tells neither
 * the session nor the socket: both live on, a busy agent whose server was killed says nothing until its pings go unanswered
 * for a minute. Measured on Node 24.21, in one of about three kills under load. The kernel knows: a connection that was reset
 * has no peer any more. There is no documented way to ask; where the undocumented one is missing, the pings remain.
 */
export function endWhenDead(session: Http2Session, socket: Socket): void {
  // Taken now: `session.socket` is a proxy that throws once the session is destroyed, which is before its 'close'.
  const { _handle: handle } = socket as unknown as { _handle?: Handle | null };
  if (typeof handle?.getpeername !== 'function') return;
  const timer = setInterval(() => {
    if (!session.destroyed && handle.getpeername({}) < 0)
      session.destroy(new PosternError('CLOSED', 'the connection was reset'));
  }, lookMs);
  timer.unref();
  session.once('close', () => clearInterval(timer));
}

interface Handle {
  getpeername(out: object): number;
}
