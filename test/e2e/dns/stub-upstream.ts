/** An upstream under the test's own hand: it keeps every packet it gets, on UDP and TCP, and answers what the test says. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';

/** The reply to a packet, with the id already its own; undefined for silence. */
export type Answer = (packet: Buffer, transport: 'udp' | 'tcp') => Buffer | undefined;

export interface StubUpstream extends AsyncDisposable {
  readonly port: number;
  readonly packets: Buffer[];
  /** Where each UDP packet came from. */
  readonly ports: number[];
  answer: Answer;
}

export async function startStub(answer: Answer, host = '127.0.0.1'): Promise<StubUpstream> {
  for (;;) {
    const udp = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
    await new Promise<void>((resolve) => udp.bind(0, host, resolve));
    try {
      return await stubOn(udp, answer, host);
    } catch (error) {
      udp.close();
      // Free for UDP is not free for TCP: another port.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

async function stubOn(udp: UdpSocket, answer: Answer, host: string): Promise<StubUpstream> {
  const { port } = udp.address();
  const open = new Set<Socket>();
  const tcp = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    let data = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      data = Buffer.concat([data, chunk]);
      while (data.length >= 2 && data.length >= 2 + data.readUInt16BE(0)) {
        const packet = data.subarray(2, 2 + data.readUInt16BE(0));
        data = data.subarray(2 + packet.length);
        stub.packets.push(Buffer.from(packet));
        const reply = stub.answer(packet, 'tcp');
        if (reply === undefined) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([length, reply]));
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    tcp.once('error', reject);
    tcp.listen(port, host, () => resolve());
  });
  const stub: StubUpstream = {
    port,
    packets: [],
    ports: [],
    answer,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await Promise.all([
        new Promise((resolve) => udp.close(() => resolve(undefined))),
        new Promise((resolve) => tcp.close(resolve)),
      ]);
    },
  };
  udp.on('message', (packet, from) => {
    stub.packets.push(packet);
    stub.ports.push(from.port);
    const reply = stub.answer(packet, 'udp');
    if (reply !== undefined) udp.send(reply, from.port, from.address);
  });
  return stub;
}

/** One datagram to a port of loopback; the reply, or undefined after the time. */
export async function ask(port: number, message: Buffer, timeoutMs = 6000): Promise<Buffer | undefined> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), timeoutMs);
      socket.once('message', (reply) => {
        clearTimeout(timer);
        resolve(reply);
      });
      socket.send(message, port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}

/** Behind the first question. */
export function questionEnd(packet: Buffer): number {
  let at = 12;
  while (packet[at] !== 0) at += 1 + packet[at]!;
  return at + 5;
}

/** Turns a query into a reply with these records behind its question. `counts` are those of answer, authority, additional. */
export function replyTo(
  packet: Buffer,
  records: Buffer,
  counts: readonly [number, number, number],
  flags = 0x8180,
): Buffer {
  const reply = Buffer.concat([packet.subarray(0, questionEnd(packet)), records]);
  reply.writeUInt16BE(flags, 2);
  for (const [i, count] of counts.entries()) reply.writeUInt16BE(count, 6 + 2 * i);
  return reply;
}
