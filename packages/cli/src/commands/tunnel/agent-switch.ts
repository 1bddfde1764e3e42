import { setTimeout as delay } from 'node:timers/promises';
import { dirname, resolve } from 'node:path';
import { PosternError } from '@postern/core';
import { readConfig } from '@postern/daemon';
import { pauseReason, switchFile, writeSwitch } from '@postern/tunnel/agent';
import { agentSchema } from '@postern/tunnel/config';
import { adminClient, type AdminClient } from './admin-client.ts';

/** The agent obeys within a second; a little more for a busy machine. */
const obeyMs = 5000;

/**
 * Writes the switch and waits until a running agent has obeyed. The file is what counts: it works without the admin endpoint, and an
 * agent that is started later finds it.
 */
export async function flipSwitch(verb: 'pause' | 'resume' | 'stop', configFile: string): Promise<void> {
  const config = readConfig(configFile, agentSchema);
  const tokenFile =
    config.adminTokenFile === undefined ? undefined : resolve(dirname(configFile), config.adminTokenFile);
  const admin = adminClient(
    `http://${config.admin.host.includes(':') ? `[${config.admin.host}]` : config.admin.host}:${config.admin.port}`,
    tokenFile,
  );
  if (verb === 'stop') return stop(admin);
  writeSwitch(
    switchFile(configFile, config),
    verb === 'pause' ? { kind: 'paused', since: new Date().toISOString(), reason: pauseReason() } : { kind: 'running' },
  );
  const wanted = verb === 'pause' ? 'paused' : 'running';
  const state = await waitFor(admin, wanted);
  if (state === 'unreachable')
    process.stdout.write(
      `${wanted}; no agent answers at the admin address, so this counts from its next start (a running one obeys within a second)\n`,
    );
  else process.stdout.write(`${wanted}\n`);
}

interface AgentStatus {
  readonly switch: { readonly kind: string };
  readonly connections: number;
}

async function waitFor(admin: AdminClient, wanted: string): Promise<'obeyed' | 'unreachable'> {
  const deadlineMs = performance.now() + obeyMs;
  for (;;) {
    const status = await admin.get<AgentStatus>('/status').catch(() => undefined);
    if (status === undefined) return 'unreachable';
    if (status.switch.kind === wanted && (wanted === 'running' || status.connections === 0)) return 'obeyed';
    if (performance.now() > deadlineMs)
      throw new PosternError('NOT_OBEYED', `the agent has not obeyed within ${obeyMs / 1000} s`, {
        hint: 'stop the process; the pause holds when it starts again',
      });
    await delay(20);
  }
}

async function stop(admin: AdminClient): Promise<void> {
  await admin.post('/stop');
  process.stdout.write('stopping: the agent drains and ends\n');
}
