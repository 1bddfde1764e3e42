import {
  ConnectionError,
  defaultWindowBytes,
  frameBytesLeast,
  frameBytesMost,
  setting,
  windowBytesMax,
} from './codes.ts';

/** What a peer has told us of itself (RFC 9113 section 6.5.2); what it has not said stays at the protocol's defaults. */
export interface PeerSettings {
  readonly concurrentStreamsMax: number;
  readonly initialWindowBytes: number;
  readonly frameBytesMax: number;
}

export const defaultPeerSettings: PeerSettings = {
  concurrentStreamsMax: Infinity,
  initialWindowBytes: defaultWindowBytes,
  frameBytesMax: frameBytesLeast,
};

/** Reads a SETTINGS payload over what held before. HEADER_TABLE_SIZE says nothing to us: our encoder has no table. */
export function readSettings(payload: Buffer, before: PeerSettings): PeerSettings {
  if (payload.length % 6 !== 0) throw new ConnectionError('FRAME_SIZE_ERROR', 'SETTINGS is not a list of settings');
  let next = before;
  for (let at = 0; at < payload.length; at += 6) {
    const value = payload.readUInt32BE(at + 2);
    switch (payload.readUInt16BE(at)) {
      case setting.enablePush:
        if (value > 1) throw new ConnectionError('PROTOCOL_ERROR', 'SETTINGS_ENABLE_PUSH is neither 0 nor 1');
        break;
      case setting.maxConcurrentStreams:
        next = { ...next, concurrentStreamsMax: value };
        break;
      case setting.initialWindowSize:
        if (value > windowBytesMax)
          throw new ConnectionError('FLOW_CONTROL_ERROR', 'SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1');
        next = { ...next, initialWindowBytes: value };
        break;
      case setting.maxFrameSize:
        if (value < frameBytesLeast || value > frameBytesMost)
          throw new ConnectionError('PROTOCOL_ERROR', 'SETTINGS_MAX_FRAME_SIZE is out of range');
        next = { ...next, frameBytesMax: value };
    }
  }
  return next;
}
