import { readFileSync } from 'node:fs';
import { errorCode, errorMessage, PosternError } from '@postern/core';

/** Google's Compute API by REST, read-only. Endpoint and credentials follow gcloud's own environment variables. */

const defaultBase = 'https://compute.googleapis.com/compute/v1/';
/** A check is read by a person who waits. */
const requestTimeoutMs = 20_000;
const scope = 'https://www.googleapis.com/auth/compute.readonly';

export interface GoogleApi {
  /** The resource at a path below `projects/`, or undefined where there is none. */
  get(path: string): Promise<Readonly<Record<string, unknown>> | undefined>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function googleApi(env: Environment, signal: AbortSignal): GoogleApi {
  const override = env['CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE'] ?? env['GOOGLE_COMPUTE_CUSTOM_ENDPOINT'];
  const base = `${(override ?? defaultBase).replace(/\/+$/, '')}/`;
  let token: Promise<string | undefined> | undefined;
  return {
    async get(path) {
      token ??= accessToken(env);
      const bearer = await token;
      const response = await fetch(`${base}projects/${path}`, {
        headers: { accept: 'application/json', ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) },
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
        redirect: 'error', // a token must not follow
      }).catch((error: unknown) => {
        throw unreachable(base, error);
      });
      const body = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
      if (response.ok) return body;
      if (response.status === 404) return undefined;
      throw refused(response.status, path, (body['error'] as { message?: string } | undefined)?.message);
    },
  };
}

async function accessToken(env: Environment): Promise<string | undefined> {
  if (/^(true|1|yes)$/i.test(env['CLOUDSDK_AUTH_DISABLE_CREDENTIALS'] ?? '')) return undefined;
  const given = env['GOOGLE_OAUTH_ACCESS_TOKEN'] ?? env['CLOUDSDK_AUTH_ACCESS_TOKEN'];
  if (given !== undefined && given !== '') return given;
  const file = env['CLOUDSDK_AUTH_ACCESS_TOKEN_FILE'];
  try {
    if (file !== undefined && file !== '') return readFileSync(file, 'utf8').trim();
    const { GoogleAuth } = await import('google-auth-library');
    const token = await new GoogleAuth({ scopes: [scope] }).getAccessToken();
    return token ?? undefined;
  } catch (error) {
    throw new PosternError('GOOGLE_CREDENTIALS', `no Google credentials: ${errorMessage(error)}`, {
      hint: 'gcloud auth application-default login; or set GOOGLE_APPLICATION_CREDENTIALS',
      cause: error,
    });
  }
}

function unreachable(base: string, error: unknown): PosternError {
  const cause = error instanceof Error ? error.cause : undefined;
  return new PosternError('GOOGLE_UNREACHABLE', `${base} does not answer: ${errorCode(cause) ?? errorMessage(error)}`, {
    hint: 'check the network and CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE',
    cause: error,
  });
}

function refused(status: number, path: string, message: string | undefined): PosternError {
  const hint =
    status === 401
      ? 'the token is not valid: gcloud auth application-default login'
      : status === 403
        ? 'grant roles/compute.networkViewer in the instance’s project'
        : 'try again in a minute';
  return new PosternError('GOOGLE_REFUSED', `Google answered ${status} to ${path}: ${message ?? 'without a reason'}`, {
    hint,
  });
}
