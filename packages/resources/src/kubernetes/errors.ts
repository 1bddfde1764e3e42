import { errorCode, PosternError } from '@postern/core';

/** What the Kubernetes API server says no with, and what stands between it and us. The one place where its errors become ours. */

export class KubeError extends PosternError {
  override readonly name = 'KubeError';
  /** HTTP status; in a watch the code of its ERROR event. */
  readonly status: number;
  /** The API's own word: `Conflict`, `AlreadyExists`, `Expired`, `Forbidden`, ... */
  readonly reason: string;

  constructor(status: number, reason: string, message: string, hint?: string) {
    super('KUBERNETES', message, hint === undefined ? {} : { hint });
    this.status = status;
    this.reason = reason;
  }
}

/** The server is not there, or does not answer. It passes, so callers try again. */
export class KubeUnreachable extends PosternError {
  override readonly name = 'KubeUnreachable';
  constructor(server: string, cause: unknown) {
    const code = errorCode(cause) ?? (cause instanceof Error ? cause.name : 'unknown');
    super('KUBERNETES_UNREACHABLE', `${server} cannot be reached (${code})`, {
      hint: 'is the cluster up, and is it the right kubeconfig and context?',
      cause,
    });
  }
}

export function kubeconfigProblem(message: string, hint: string, cause?: unknown): PosternError {
  return new PosternError('KUBECONFIG', message, { hint, exitCode: 2, ...(cause === undefined ? {} : { cause }) });
}

export function isStatus(error: unknown, ...codes: readonly number[]): error is KubeError {
  return error instanceof KubeError && codes.includes(error.status);
}

/** A resource version that the server no longer has: list again. */
export function isGone(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

/** A `Status` object, or whatever a proxy in between wrote, as an error. */
export function fromStatus(status: number, body: unknown, what: string): KubeError {
  const { message, reason } = record(body);
  const text = typeof message === 'string' && message !== '' ? message : `${what}: HTTP ${status}`;
  const hint =
    status === 401
      ? "the kubeconfig's credentials were refused"
      : status === 403
        ? 'kubectl auth can-i shows what this account may do; the manifests hold the roles that are needed'
        : undefined;
  return new KubeError(status, typeof reason === 'string' ? reason : '', text, hint);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
