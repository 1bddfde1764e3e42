import type { ListenAddress } from '@postern/core';
import { errorCode, errorMessage, PosternError } from '@postern/core/errors';

/** The operating system's refusal of a listening socket, as one sentence that says what to do. */
export function translateListenError(error: unknown, { host, port }: ListenAddress, what: string): PosternError {
  const place = `${host}:${port}`;
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new PosternError('PORT_BUSY', `cannot listen on ${place} (${what}): another program uses that port`, {
        hint: `stop it, or set another ${what} address`,
        cause: error,
      });
    case 'EACCES':
      return new PosternError('PORT_DENIED', `cannot listen on ${place} (${what}): not permitted`, {
        hint: 'take a port above 1023, or grant CAP_NET_BIND_SERVICE',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new PosternError(
        'ADDRESS_UNKNOWN',
        `cannot listen on ${place} (${what}): this machine has no such address`,
        { hint: 'use 0.0.0.0, or one of the addresses of this machine', cause: error },
      );
    default:
      return new PosternError('LISTEN', `cannot listen on ${place} (${what}): ${errorMessage(error)}`, {
        cause: error,
      });
  }
}
