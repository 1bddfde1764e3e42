import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, PosternError } from '@postern/core';

/**
 * The customer's switch, kept on disk so that it holds across restarts. The command writes it, the running agent watches it: the
 * switch works though the admin endpoint may not. A file that cannot be understood counts as paused: fail closed.
 */
export type AgentSwitch =
  | { readonly kind: 'running' }
  | { readonly kind: 'paused'; readonly since: string; readonly reason: string };

export function readSwitch(file: string): AgentSwitch {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { kind: 'running' };
    throw new PosternError('STATE_FILE', `the state file ${file} cannot be read`, { cause: error });
  }
  try {
    const state = JSON.parse(text) as { paused?: unknown; since?: unknown; reason?: unknown };
    if (state.paused === false) return { kind: 'running' };
    return {
      kind: 'paused',
      since: typeof state.since === 'string' ? state.since : 'an unknown time',
      reason: typeof state.reason === 'string' ? state.reason : 'paused',
    };
  } catch {
    return { kind: 'paused', since: 'an unknown time', reason: `${file} is damaged` };
  }
}

/** Writes the switch whole or not at all. */
export function writeSwitch(file: string, state: AgentSwitch): void {
  const content =
    state.kind === 'running' ? { paused: false } : { paused: true, since: state.since, reason: state.reason };
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(temporary, `${JSON.stringify(content)}\n`, { mode: 0o644 });
    renameSync(temporary, file);
  } catch (error) {
    throw new PosternError('STATE_FILE', `the state file ${file} cannot be written`, {
      hint: 'set stateFile in agent.yaml to a place that this user may write',
      cause: error,
    });
  }
}
