/** The numbers of HTTP/2 (RFC 9113), as far as gRPC needs them. */

/** RFC 9113 section 6. */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** RFC 9113 section 6.5.2. */
export const setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** RFC 9113 section 7. */
export const errorCodes = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;

export type ErrorName = keyof typeof errorCodes;

const names = Object.keys(errorCodes) as ErrorName[];

/** The name of a code; an unknown one counts as INTERNAL_ERROR (RFC 9113 section 7). */
export function errorName(code: number): ErrorName {
  return names[code] ?? 'INTERNAL_ERROR';
}

/** The peer broke the protocol so that nothing it says can be trusted any more: GOAWAY, and the connection ends (section 5.4.1). */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: ErrorName;
  constructor(code: ErrorName, message: string) {
    super(message);
    this.code = code;
  }
}

/** Windows of a connection and of streams begin with this (section 6.9.2). */
export const defaultWindowBytes = 65_535;
/** No window may be larger (section 6.9.1). */
export const windowBytesMax = 2 ** 31 - 1;
/** The least and the largest value of SETTINGS_MAX_FRAME_SIZE (section 6.5.2). */
export const frameBytesLeast = 16_384;
export const frameBytesMost = 2 ** 24 - 1;

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
