/** What bounds the memory of a connection's streams; the process's budget implements it, so that all connections share one. */

/** Something that holds bytes on their way: what it has queued, and what its paused source has already received. */
export interface Holder {
  heldBytes(): number;
  /** What its reader has taken since it began: one who takes nothing is stalled. */
  readonly takenBytes: number;
}

/** A stream as the one who promises it a window sees it. */
export interface Receiver {
  /** Bytes it has received since it began: one that has flowed for long will probably not stall. */
  readonly receivedBytes: number;
  /** What is promised now. */
  readonly windowBytes: number;
  /** Of its connection; Infinity before it is known. */
  readonly rttMs: number;
}

export interface StreamMemory {
  /** How large the window of a carrying stream may be now. Asked when it begins, and at each credit. */
  windowBytes(receiver: Receiver): number;
  /** Bytes that may be queued towards a slow reader, who has taken `takenBytes` so far, before its source is paused. */
  markBytes(takenBytes: number): number;
  /** A queue has reached its mark. */
  load(holder: Holder): void;
  /** It holds nothing any more. */
  release(holder: Holder): void;
  /** It is over: what was promised to it is free. */
  forget(receiver: Receiver): void;
  /** So many bytes were handed to a socket. */
  sent(bytes: number): void;
}

/** A chunk for a queue that stands: a few bytes of a large read must not keep the read alive. */
export function thrifty(chunk: Buffer): Buffer {
  if (chunk.length * 4 >= chunk.buffer.byteLength) return chunk;
  const copy = Buffer.allocUnsafeSlow(chunk.length);
  chunk.copy(copy);
  return copy;
}
