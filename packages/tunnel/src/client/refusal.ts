import type { OpenError } from './open.ts';
import type { ResetCode } from '../wire/index.ts';

/** What a caller gets when a connection is not opened: contract section 5, as data. SOCKS replies are those of RFC 1928 section 6. */
interface Refusal {
  readonly http: 403 | 502 | 503 | 504;
  readonly socks: number;
}

const denied: Refusal = { http: 403, socks: 0x02 };
const unreachable: Refusal = { http: 502, socks: 0x04 };
const noAgent: Refusal = { http: 503, socks: 0x01 };

export const refusals: Readonly<Record<ResetCode, Refusal>> = {
  DENIED: denied,
  DENIED_BY_AGENT: denied,
  REFUSED: { http: 502, socks: 0x05 },
  UNREACHABLE: unreachable,
  NAME_UNKNOWN: unreachable,
  DIAL_TIMEOUT: { http: 504, socks: 0x06 },
  NO_AGENT: noAgent,
  SESSION_ENDED: noAgent,
  DRAINING: noAgent,
  LIMIT: noAgent,
  ABORTED: { http: 502, socks: 0x01 },
  IDLE_TIMEOUT: { http: 504, socks: 0x06 },
  UNSPECIFIED: { http: 502, socks: 0x01 },
  INTERNAL: { http: 502, socks: 0x01 },
};

/** One line: a reason code, a sentence, and the connection id under which the audit log knows it. */
export function refusalLine(error: OpenError): string {
  const sentence = error.message.replace(/[\r\n]+/g, ' ');
  return `${error.reset} ${sentence}${error.connectionId === '' ? '' : ` (connection ${error.connectionId})`}\n`;
}
