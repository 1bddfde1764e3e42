/** The look at a session's socket: it ends a session whose connection is gone, and is harmless for one that was just destroyed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { mock, test } from 'node:test';
import { endWhenDead } from './dead-socket.ts';

test('a look between destroy and close does not touch the proxied socket', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sessions = once(server, 'session');
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('error', () => {});
  const [session] = (await sessions) as [ServerHttp2Session];
  mock.timers.enable({ apis: ['setInterval'] });
  try {
    const { socket } = session;
    endWhenDead(session, socket);
    mock.timers.tick(5000);
    assert.equal(session.destroyed, false, 'a live one is left alone');
    const closed = once(session, 'close');
    session.destroy();
    assert.throws(() => socket.readable, { code: 'ERR_HTTP2_SOCKET_UNBOUND' });
    mock.timers.tick(5000); // threw out of the timer, which ends the process
    await closed;
  } finally {
    mock.timers.reset();
    client.destroy();
    server.close();
  }
});
