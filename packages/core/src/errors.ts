/**
 * The one error type that Postern throws on purpose.
 *
 * `code` is stable and machine-readable, `message` says what is wrong and where, `hint` says what to do next. `cause`
 * keeps the foreign error for the log; it is never shown to a peer. Foreign errors are translated in one file a package.
 */
export interface PosternErrorOptions {
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** Process exit code when the error ends a command: 1 it failed, 2 the command line or a file is wrong. */
  readonly exitCode?: 1 | 2;
}

export class PosternError extends Error {
  override readonly name: string = 'PosternError';
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly exitCode: 1 | 2;

  constructor(code: string, message: string, options: PosternErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The command line or a file is wrong: nothing was started, exit code 2. */
export class UsageError extends PosternError {
  override readonly name = 'UsageError';
  constructor(message: string, options: Omit<PosternErrorOptions, 'exitCode'> = {}) {
    super('USAGE', message, { ...options, exitCode: 2 });
  }
}

/** The operating system's or a library's error code (`ECONNREFUSED`, `ERR_TLS_...`), when there is one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** A message for people from whatever was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
