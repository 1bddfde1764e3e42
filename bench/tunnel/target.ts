/** Where every path ends, a process of its own: sends, counts or echoes as the header of each connection asks. Prints its port. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { countBytes, decodeHeader, headerBytes, pour } from './wire.ts';

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  let head = Buffer.alloc(0);
  const onHead = (data: Buffer): void => {
    head = Buffer.concat([head, data]);
    if (head.length < headerBytes) return;
    socket.off('data', onHead);
    begin(socket, head.subarray(0, headerBytes), head.subarray(headerBytes));
  };
  socket.on('data', onHead);
}

function begin(socket: Socket, header: Buffer, rest: Buffer): void {
  const { mode, size } = decodeHeader(header);
  if (mode === 'down') {
    socket.resume();
    pour(socket, size, () => socket.end());
    return;
  }
  if (mode === 'echo') {
    if (rest.length > 0) socket.write(rest);
    socket.on('data', (data) => socket.write(data));
    return;
  }
  let came = rest.length;
  const check = (): void => {
    if (came < size) return;
    const count = Buffer.alloc(countBytes);
    count.writeUIntBE(came, 0, countBytes);
    socket.end(count);
  };
  socket.on('data', (data) => {
    came += data.length;
    check();
  });
  check();
}

const server = createServer(serve);
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`),
);
