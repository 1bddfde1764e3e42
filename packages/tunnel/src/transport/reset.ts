import type { Socket } from 'node:net';

/**
 * Ends a connection with RST, and in any case: afterwards the descriptor is closed.
 *
 * While the FIN of `end()` is on its way, libuv refuses a reset (uv_tcp_close_reset: EINVAL beside a shutdown), and Node 24 then forgets the
 * handle without closing it: the descriptor stays open, is read for ever and keeps the process alive. In that moment everything written has
 * been handed to the kernel, so a plain close cuts nothing: the peer sees the FIN that it was to see.
 */
export function resetSocket(socket: Socket): void {
  const finUnderWay = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (finUnderWay) socket.destroy();
  else socket.resetAndDestroy();
}
