/** One question over TCP to an upstream (RFC 7766): length, message, reply or replies. */
import { connect, type Socket } from 'node:net';
import { FrameReader, frameOf } from '../codec/frame.ts';
import { answers } from '../codec/reply.ts';
import type { ResolverAddress } from '../zones/address.ts';
import { random16 } from './random.ts';

/** A transfer of a zone may pause between its messages. */
const transferIdleMs = 10_000;
/** Connections to upstreams at once: a flood over TCP must not take the descriptors that UDP needs. */
const connectionsMax = 256;
let open = 0;

/** Resolves with the reply that fits; undefined when there was none within the time, however much of one. */
export async function askOverTcp(
  to: ResolverAddress,
  message: Buffer,
  questionEnd: number,
  replyMs: number,
): Promise<Buffer | undefined> {
  let found: Buffer | undefined;
  await converse(to, message, { totalMs: replyMs }, (reply) => {
    if (!answers(message, questionEnd, reply)) return true;
    found = reply;
    return false;
  });
  return found;
}

/** Passes every reply on until the upstream closes, falls silent, or `onReply` returns false. */
export function transferOverTcp(
  to: ResolverAddress,
  message: Buffer,
  onReply: (reply: Buffer) => boolean,
): Promise<void> {
  return converse(to, message, { idleMs: transferIdleMs }, onReply);
}

function converse(
  to: ResolverAddress,
  message: Buffer,
  { idleMs = 0, totalMs }: { readonly idleMs?: number; readonly totalMs?: number },
  onReply: (reply: Buffer) => boolean,
): Promise<void> {
  if (open >= connectionsMax) return Promise.resolve();
  open++;
  message.writeUInt16BE(random16(), 0);
  return new Promise<void>((resolve) => {
    const socket: Socket = connect({ host: to.address, port: to.port, noDelay: true });
    const frames = new FrameReader();
    socket.setTimeout(idleMs, () => socket.destroy());
    const timer = totalMs === undefined ? undefined : setTimeout(() => socket.destroy(), totalMs);
    socket.on('connect', () => socket.write(frameOf(message)));
    socket.on('data', (chunk) => {
      for (const reply of frames.push(chunk)) {
        if (reply.length >= 2 && reply.readUInt16BE(0) !== message.readUInt16BE(0)) continue;
        if (!onReply(reply)) return void socket.destroy();
      }
    });
    socket.on('end', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      open--;
      resolve();
    });
  });
}
