/** Credentials for registries: what `docker login` and credential helpers left, then the registry's own token service. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PosternError, Secret } from '@postern/core';

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** `user:password` in base64, as HTTP Basic wants it; undefined: anonymous. */
export function basicCredentials(registry: string, environment: NodeJS.ProcessEnv = process.env): Secret | undefined {
  const config = dockerConfig(environment);
  const helper = config.credHelpers?.[registry] ?? config.credsStore;
  if (helper !== undefined) {
    const fromHelper = askHelper(helper, registry, environment);
    if (fromHelper !== undefined) return fromHelper;
  }
  const auth = (config.auths?.[registry] ?? config.auths?.[`https://${registry}`])?.auth;
  return auth === undefined || auth === '' ? undefined : new Secret(auth);
}

function dockerConfig(environment: NodeJS.ProcessEnv): DockerConfig {
  const dir = environment['DOCKER_CONFIG'] ?? join(environment['HOME'] ?? homedir(), '.docker');
  try {
    return JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as DockerConfig;
  } catch {
    return {}; // none, or not ours to judge: anonymous then
  }
}

/** The protocol of docker's credential helpers: the registry on standard input, JSON on standard output. */
function askHelper(helper: string, registry: string, env: NodeJS.ProcessEnv): Secret | undefined {
  if (!/^[a-z0-9-]+$/.test(helper)) return undefined;
  const timeoutMs = 30_000;
  const { status, stdout } = spawnSync(`docker-credential-${helper}`, ['get'], {
    input: registry,
    encoding: 'utf8',
    timeout: timeoutMs,
    env,
  });
  if (status !== 0) return undefined;
  const { Username, Secret: password } = JSON.parse(stdout) as { Username: string; Secret: string };
  return new Secret(Buffer.from(`${Username}:${password}`).toString('base64'));
}

/** `WWW-Authenticate: Bearer realm="...",service="...",scope="..."` -> the token that service gives. */
export async function bearerToken(
  challenge: string,
  credentials: Secret | undefined,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  const fields = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
  const realm = fields['realm'];
  if (!/^bearer /i.test(challenge) || realm === undefined) return undefined;
  const url = new URL(realm);
  for (const key of ['service', 'scope']) if (fields[key] !== undefined) url.searchParams.set(key, fields[key]);
  const headers = credentials === undefined ? {} : { authorization: `Basic ${credentials.reveal()}` };
  const response = await fetch(url, { headers, signal });
  if (!response.ok)
    throw new PosternError('REGISTRY_AUTH', `${url.host} gives no token (${response.status})`, {
      hint: 'log in first: docker login, or gcloud auth configure-docker',
    });
  const { token, access_token } = (await response.json()) as { token?: string; access_token?: string };
  const given = token ?? access_token;
  return given === undefined ? undefined : new Secret(given);
}
