/** A real sshd on an ephemeral port, for git over SSH: its own host key, one authorised key, nothing of the machine's configuration. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { once } from 'node:events';
import { eventually, findProgram, Running } from '@postern/testing';
import { freePort } from './targets.ts';

export interface SshHost extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  /** The private key that may log in. */
  readonly key: string;
  readonly knownHosts: string;
}

export async function startSshHost(): Promise<SshHost> {
  // sshd insists on strict parents for authorized_keys; the system's scratch directory is sticky and accepted with StrictModes off.
  const dir = mkdtempSync('/tmp/postern-sshd-');
  const keygen = (file: string): void =>
    void execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, file)]);
  keygen('host_key');
  keygen('user_key');
  copyFileSync(join(dir, 'user_key.pub'), join(dir, 'authorized_keys'));
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true }); // privilege separation wants it
  const port = await freePort();
  writeFileSync(
    join(dir, 'sshd_config'),
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${join(dir, 'host_key')}
PidFile ${join(dir, 'sshd.pid')}
AuthorizedKeysFile ${join(dir, 'authorized_keys')}
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
`,
  );
  const sshd = new Running(findProgram('sshd')!, ['-D', '-e', '-f', join(dir, 'sshd_config')]);
  await eventually(`sshd listens\n${sshd.stderr}`, async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    return true;
  });
  const [type, key] = execFileSync('ssh-keygen', ['-y', '-f', join(dir, 'host_key')], { encoding: 'utf8' }).split(' ');
  writeFileSync(join(dir, 'known_hosts'), `* ${type} ${key!.trim()}\n`);
  return {
    port,
    user: userInfo().username,
    key: join(dir, 'user_key'),
    knownHosts: join(dir, 'known_hosts'),
    [Symbol.asyncDispose]: async () => {
      await sshd[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
