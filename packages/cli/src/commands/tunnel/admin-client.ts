import { errorCode, errorMessage, PosternError } from '@postern/core';
import { readSecretFile } from '@postern/daemon';

/** A loopback endpoint answers at once or not at all. */
const timeoutMs = 5000;

export interface AdminClient {
  get<T>(path: string): Promise<T>;
  post(path: string): Promise<string>;
}

/** Speaks to a daemon's admin endpoint. */
export function adminClient(base: string, tokenFile?: string): AdminClient {
  const url = (path: string): string => new URL(path, base).href;
  const headers: Record<string, string> =
    tokenFile === undefined
      ? {}
      : { authorization: `Bearer ${readSecretFile(tokenFile, 'admin token file').reveal().trim()}` };
  const call = async (method: string, path: string): Promise<string> => {
    const response = await fetch(url(path), { method, headers, signal: AbortSignal.timeout(timeoutMs) }).catch(
      (error: unknown) => {
        const cause = error instanceof Error ? error.cause : undefined;
        throw new PosternError(
          'ADMIN_UNREACHABLE',
          `no daemon answers at ${base}: ${errorCode(cause) ?? errorMessage(error)}`,
          { hint: 'is it running, and is this its `admin` address?', cause: error },
        );
      },
    );
    const body = await response.text();
    if (!response.ok)
      throw new PosternError(
        'ADMIN_REFUSED',
        `${base} answered ${response.status}: ${body.trim()}`,
        response.status === 401 ? { hint: 'give its token with --token-file' } : {},
      );
    return body;
  };
  return {
    get: async <T>(path: string) => JSON.parse(await call('GET', path)) as T,
    post: (path) => call('POST', path),
  };
}
