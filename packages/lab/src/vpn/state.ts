import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, type GoogleDesign, PosternError, type VpnDesign } from '@postern/core';
import type { Broken } from './breakages.ts';
import type { TunnelState } from './world.ts';

/**
 * What the lab's APIs answer from: the design without its keys, and what was last seen of it. `lab vpn` writes it every
 * second, `lab gcp` reads it at every question.
 */
export interface LabState {
  /** Keys are gone: a Secret writes itself as `[secret]`. */
  readonly design: VpnDesign;
  readonly broken: Broken;
  readonly tunnels: readonly TunnelState[];
  /** What AWS's API says of the tunnels: its telemetry may lag. */
  readonly telemetry: readonly TunnelState[];
  /** What the VPC's route table has from BGP, and what somebody put there. */
  readonly propagatedRoutes: readonly string[];
  readonly fixedRoutes: readonly string[];
  readonly startedAt: string;
  /** What else of Google Cloud's the instance has. */
  readonly google?: GoogleDesign | undefined;
}

/** `lab vpn` needs root, and only root writes here: no other user can put a link in its way. */
export const stateFileDefault = '/run/postern/lab-vpn.json';

export function writeState(file: string, state: LabState): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(state)}\n`);
  renameSync(temporary, file);
}

export function readState(file: string): LabState {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LabState;
  } catch (error) {
    const missing = errorCode(error) === 'ENOENT';
    throw new PosternError(
      'LAB_STATE',
      missing ? `no VPN lab is running: ${file} is not there` : `${file} is not a lab's state`,
      {
        hint: 'start one: postern lab vpn --config config.yaml --hold; or answer without one: postern lab gcp --config config.yaml',
        cause: error,
        exitCode: 2,
      },
    );
  }
}

/** A world in which everything came up but the tunnels named: for machines that cannot run the real one. */
export function imaginedState(design: VpnDesign, down: readonly string[], startedAt: string): LabState {
  const tunnels = design.tunnels.map((tunnel): TunnelState => {
    const isUp = !down.includes(tunnel.name);
    return {
      name: tunnel.name,
      ike: isUp,
      child: isUp,
      trouble: isUp ? 'none' : 'no-answer',
      gcpBgp: isUp ? 'Established' : 'Active',
      awsBgp: isUp ? 'Established' : 'Active',
      gcpLearned: isUp ? [design.vpcCIDR] : [],
      awsLearned: isUp ? design.advertised : [],
    };
  });
  const some = tunnels.some((tunnel) => tunnel.child);
  return {
    design,
    broken: {},
    tunnels,
    telemetry: tunnels,
    propagatedRoutes: some && design.aws.propagated ? design.advertised : [],
    fixedRoutes: [],
    startedAt,
  };
}
