/** OpenSSH: the agent's side forwards a port of an own sshd back to the target (-R), the client's side reaches that port (-L). */
import { mkdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { findProgram, need, run } from '@postern/testing';
import { freePorts, type Start, versionOf, type World } from './world.ts';

const cipher = 'aes128-gcm@openssh.com';

async function makeKey(world: World, name: string): Promise<string> {
  const path = join(world.dir, name);
  const { code, stderr } = await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  if (code !== 0) throw new Error(`ssh-keygen ended with ${code}: ${stderr}`);
  return path;
}

export const openssh: Start = async (world) => {
  const missing = need('ssh', 'sshd', 'ssh-keygen');
  if (missing !== false) return missing;
  if (process.getuid?.() !== 0) return 'needs root for an own sshd';
  const [sshdPort, middle, port] = (await freePorts(3)) as [number, number, number];
  const [hostKey, userKey] = [await makeKey(world, 'ssh-host'), await makeKey(world, 'ssh-user')];
  const authorized = world.file('ssh-authorized', readFileSync(`${userKey}.pub`, 'utf8'));
  const config = world.file(
    'sshd_config',
    `ListenAddress 127.0.0.1:${sshdPort}
HostKey ${hostKey}
AuthorizedKeysFile ${authorized}
StrictModes no
UsePAM no
PidFile none
PermitRootLogin prohibit-password
PasswordAuthentication no
AllowTcpForwarding yes
Ciphers ${cipher}
`,
  );
  mkdirSync('/run/sshd', { recursive: true }); // privilege separation wants it; a boot without systemd has not made it
  // sshd starts itself anew for each connection and insists on its absolute path.
  const server = world.spawn(findProgram('sshd')!, ['-D', '-e', '-f', config]);
  await server.line(/Server listening on/);
  const [key = '', value = ''] = readFileSync(`${hostKey}.pub`, 'utf8').split(' ');
  const knownHosts = world.file('ssh-known', `[127.0.0.1]:${sshdPort} ${key} ${value}\n`);
  const options = [`UserKnownHostsFile=${knownHosts}`, 'ExitOnForwardFailure=yes', 'BatchMode=yes', 'Compression=no'];
  const ssh = (...forward: string[]) => {
    const login = ['-F', 'none', '-N', '-c', cipher, '-i', userKey, '-p', String(sshdPort), '-l', userInfo().username];
    return world.spawn('ssh', [...login, ...options.flatMap((one) => ['-o', one]), ...forward, '127.0.0.1']);
  };
  const agent = ssh('-R', `127.0.0.1:${middle}:127.0.0.1:${world.targetPort}`);
  const client = ssh('-L', `127.0.0.1:${port}:127.0.0.1:${middle}`);
  await world.carrying(port, [server, agent, client]);
  return {
    name: 'openssh',
    version: await versionOf('ssh', ['-V'], /OpenSSH_(\S+?),?\s/),
    settings: `ssh -L and ssh -R into one sshd, ${cipher}; all connections share the two sessions`,
    port,
    pids: { client: client.child.pid!, server: server.child.pid!, agent: agent.child.pid! },
  };
};
