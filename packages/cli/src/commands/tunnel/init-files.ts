import { existsSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { hostText, parseHost, parseListen, UsageError } from '@postern/core';
import { systemClock } from '@postern/daemon';
import { createFile, openEmbeddedCa, openIdentities } from '@postern/tunnel-server';
import { serverDirectory } from './directory.ts';

export interface Written {
  readonly file: string;
  /** False: it was there and stays as it is. */
  readonly made: boolean;
}

/** Makes the server's directory. What exists is never changed: a second run completes a first that was interrupted. */
export function initialise(dir: string, serverName: string | undefined, listen: string): Written[] {
  const name = parseHost(serverName ?? hostname());
  if (name.kind === 'invalid')
    throw new UsageError(`the server name ${JSON.stringify(serverName ?? hostname())} ${name.reason}`, {
      hint: 'give --server-name tunnel.acme.example',
    });
  const address = parseListen(listen);
  if ('reason' in address) throw new UsageError(`--listen ${JSON.stringify(listen)} ${address.reason}`);
  mkdirSync(dir, { recursive: true });
  const config = join(dir, 'server.yaml');
  const written: Written[] = [
    { file: config, made: createFile(config, serverYaml(hostText(name), listen), 0o644) },
    { file: join(dir, 'policy.yaml'), made: createFile(join(dir, 'policy.yaml'), policyYaml, 0o644) },
  ];
  const { dataDir } = serverDirectory(dir);
  const hadData = existsSync(dataDir);
  const ca = openEmbeddedCa({ dataDir, clock: systemClock });
  openIdentities({ dataDir, clock: systemClock }).close();
  written.push({ file: `${dataDir}/`, made: !hadData });
  const roots = join(dir, 'ca.pem');
  written.push({ file: roots, made: createFile(roots, ca.rootsPem(), 0o644) });
  return written;
}

function serverYaml(serverName: string, listen: string): string {
  return `apiVersion: postern.dev/v1
kind: TunnelServer
listen: ${yamlText(listen)}
admin: 127.0.0.1:9090
serverName: ${yamlText(serverName)}   # the name in the server's certificate; peers must reach it under this name
dataDir: ./data                      # embedded CA, issued certificates, audit log (SQLite)
policyFile: ./policy.yaml
sourceRanges: []                     # CIDRs that may connect; empty: any
certificates: {lifetime: 24h}        # of agent and client certificates
audit: {retention: 720h}             # 30 days
`;
}

function yamlText(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9.:-]*$/.test(text) ? text : JSON.stringify(text);
}

const policyYaml = `apiVersion: postern.dev/v1
kind: TunnelPolicy
# Nothing is allowed that no rule allows. A rule says which clients may reach which destinations through which agents:
#
#   - name: gitserver-to-gitlab
#     clients: [gitserver@acme.example]
#     agents: [dc1@acme.example]
#     destinations: ["gitlab.internal.acme.example:443", "*.corp.acme.example:22", "10.1.0.0/16:8000-8999"]
rules: []
`;
