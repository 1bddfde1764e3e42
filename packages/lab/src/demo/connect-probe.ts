/**
 * A caller of the proxy as a process of its own: `node connect-probe.ts PROXY_HOST PORT TARGET` asks for one CONNECT and prints
 * {status, body} as JSON. Needed because curl may not be there, and because in namespaces mode the caller must stand in one.
 */
import { request } from 'node:http';

const [host, port, path] = process.argv.slice(2);
const call = request({ host, port: Number(port), method: 'CONNECT', path, timeout: 15_000 });
const print = (status: number, body: string): void =>
  void process.stdout.write(`${JSON.stringify({ status, body })}\n`);
// node:http hands over the socket whatever the status of a CONNECT; the body of a refusal comes down it.
call.once('connect', (response, socket, head) => {
  let body = head.toString();
  const done = (): void => print(response.statusCode ?? 0, body.trim());
  if (response.statusCode === 200) {
    socket.destroy();
    return done();
  }
  socket.on('data', (chunk) => (body += String(chunk)));
  socket.once('end', done);
  socket.once('end', () => socket.destroy());
});
call.once('timeout', () => call.destroy(new Error('no answer within 15 s')));
call.once('error', (error) => print(0, error.message));
call.end();
