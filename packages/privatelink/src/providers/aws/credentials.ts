import { PosternError, Secret } from '@postern/core';
import type { SecretData } from '@postern/resources';
import type { AwsKeys } from './clients.ts';

/** AWS credentials in a Secret, in the two forms that Hive takes: a pair of keys, or an AWS configuration file. */

export class CredentialsError extends PosternError {
  override readonly name = 'CredentialsError';
  constructor(message: string) {
    super('CREDENTIALS', message);
  }
}

export function keysFromSecret(secret: SecretData): AwsKeys {
  const id = secret.values.get('aws_access_key_id');
  const key = secret.values.get('aws_secret_access_key');
  if (id !== undefined && key !== undefined) {
    const token = secret.values.get('aws_session_token');
    return keysOf(secret.name, id.reveal(), key.reveal(), token?.reveal());
  }
  const config = secret.values.get('aws_config');
  if (config !== undefined) return keysFromConfig(secret.name, config.reveal());
  throw new CredentialsError(
    `the Secret ${secret.name} has neither aws_access_key_id and aws_secret_access_key nor aws_config`,
  );
}

function keysOf(name: string, id: string, key: string, token: string | undefined): AwsKeys {
  if (id.trim() === '' || key.trim() === '')
    throw new CredentialsError(`the Secret ${name} has an empty access key id or secret access key`);
  return {
    accessKeyId: id.trim(),
    secretAccessKey: new Secret(key.trim()),
    ...(token === undefined || token.trim() === '' ? {} : { sessionToken: new Secret(token.trim()) }),
  };
}

/** The `[default]` profile. A `credential_process` would run a program of the Secret's author here; it is refused. */
function keysFromConfig(name: string, text: string): AwsKeys {
  if (/^\s*credential_process\s*=/m.test(text))
    throw new CredentialsError(`the Secret ${name} has a credential_process in aws_config, which is refused`);
  const profile = new Map<string, string>();
  let inDefault = false;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line);
    if (section !== null) inDefault = section[1] === 'default';
    const pair = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (inDefault && pair !== null) profile.set(pair[1]!, pair[2]!);
  }
  const id = profile.get('aws_access_key_id');
  const key = profile.get('aws_secret_access_key');
  if (id === undefined || key === undefined)
    throw new CredentialsError(
      `the Secret ${name} has no aws_access_key_id and aws_secret_access_key in the [default] profile of aws_config`,
    );
  return keysOf(name, id, key, profile.get('aws_session_token'));
}
