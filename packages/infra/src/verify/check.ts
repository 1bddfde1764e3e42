/** One live check and its verdict. */
export interface Check {
  readonly path: 'nat' | 'vpn' | 'privatelink' | 'tunnel' | 'stacks';
  readonly check: string;
  /** `unknown`: it could not be asked. */
  readonly verdict: 'ok' | 'failed' | 'unknown';
  readonly detail: string;
  /** Stable name of the likely cause, for programs. */
  readonly causeID?: string;
  readonly cause?: string;
  readonly next?: string;
}

export function passed(path: Check['path'], check: string, detail: string): Check {
  return { path, check, verdict: 'ok', detail };
}

export function failed(
  path: Check['path'],
  check: string,
  detail: string,
  because: { readonly id: string; readonly cause: string; readonly next: string },
): Check {
  return { path, check, verdict: 'failed', detail, causeID: because.id, cause: because.cause, next: because.next };
}

export function unasked(
  path: Check['path'],
  check: string,
  error: { message: string; hint?: string | undefined },
): Check {
  return {
    path,
    check,
    verdict: 'unknown',
    detail: error.message,
    ...(error.hint !== undefined && { next: error.hint }),
  };
}
