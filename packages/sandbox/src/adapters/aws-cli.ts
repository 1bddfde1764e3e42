/** Asks AWS through its own command line, which knows every way to log in that an operator may use. */
import { spawn } from 'node:child_process';
import { PosternError, errorCode } from '@postern/core';

/** A list of access entries is answered in a second or two. */
const timeoutMs = 30_000;

export async function awsJson(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<unknown> {
  const { code, stdout, stderr } = await new Promise<{ code: number | null; stdout: string; stderr: string }>(
    (resolve, reject) => {
      const child = spawn('aws', [...args, '--output', 'json'], {
        env: { ...environment, AWS_PAGER: '' },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: timeoutMs,
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
      child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, stdout, stderr }));
    },
  ).catch((error: unknown) => {
    throw new PosternError(
      'AWS_CLI',
      errorCode(error) === 'ENOENT' ? 'the aws command is not on PATH' : 'the aws command cannot be run',
      { hint: 'install the AWS command line, or give --offline', cause: error },
    );
  });
  if (code !== 0)
    throw new PosternError('AWS_CLI', `aws ${args.slice(0, 4).join(' ')}: ${stderr.trim().split('\n').at(-1) ?? ''}`, {
      hint: 'is AWS_PROFILE the right one? --offline does not ask',
    });
  return JSON.parse(stdout === '' ? '{}' : stdout) as unknown;
}
