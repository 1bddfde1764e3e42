import type { Command } from 'commander';
import { registerDelayProxy } from './delay-proxy.ts';
import { registerGitHost } from './git-host.ts';
import { registerLabAws } from './aws.ts';
import { registerLabGcp } from './gcp.ts';
import { registerLabVpn } from './vpn.ts';

/** `postern lab ...`: rehearsal worlds on one machine. */
export function registerLab(root: Command): void {
  const lab = root.command('lab').description('rehearsal worlds on one machine: simulators, a WAN, a VPN');
  registerLabVpn(lab);
  registerLabGcp(lab);
  registerDelayProxy(lab);
  registerLabAws(lab);
  registerGitHost(lab);
}
