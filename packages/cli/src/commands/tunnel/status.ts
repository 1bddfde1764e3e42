import type { Command } from 'commander';
import { formatBytes, formatDuration, UsageError } from '@postern/core';

import { type OutputFormat, outputOption, printObject, table } from '../../io/output.ts';

interface Session {
  readonly role: string;
  readonly identity: string;
  readonly peer: string;
  readonly state: string;
  readonly connections: number;
  readonly since: string;
  readonly certificateExpires: string;
}

interface Connection {
  readonly connection: string;
  readonly client: string;
  readonly agent: string;
  readonly destination: string;
  readonly resolvedAddress: string;
  readonly bytesFromClient: number;
  readonly bytesFromAgent: number;
  readonly ms: number;
}

interface Status {
  readonly kind: string;
  readonly serverName?: string;
  readonly listen?: string;
  readonly certificateExpires?: string;
  readonly sessions?: readonly Session[];
  readonly connections?: readonly Connection[] | number;
  readonly connectionsTotal?: number;
}

/** `postern tunnel status` */
export function addStatus(tunnel: Command): void {
  tunnel
    .command('status')
    .description('show agents, clients, connections and certificate expiries of a running daemon')
    .requiredOption('--admin <url>', 'admin address of the daemon, such as http://127.0.0.1:9090')
    .option('--token-file <file>', 'file with the admin token, where the daemon has one')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern tunnel status --admin http://127.0.0.1:9090\n  postern tunnel status --admin 127.0.0.1:9091 -o json\n',
    )
    .action(async ({ admin, tokenFile, output }: { admin: string; tokenFile?: string; output: OutputFormat }) => {
      const { adminClient } = await import('./admin-client.ts');
      const base = /^https?:\/\//.test(admin) ? admin : `http://${admin}`;
      if (!URL.canParse(base)) throw new UsageError(`--admin ${admin} is not a URL such as http://127.0.0.1:9090`);
      const status = await adminClient(base, tokenFile).get<Status>('/status');
      printObject(status, output, () => human(status, Date.now()));
    });
}

function human(status: Status, nowMs: number): string {
  if (status.kind !== 'TunnelServer') return `${JSON.stringify(status, null, 2)}\n`;
  const ago = (time: string): string =>
    formatDuration(Math.max(0, Math.floor((nowMs - Date.parse(time)) / 1000) * 1000));
  const until = (time: string): string =>
    formatDuration(Math.max(0, Math.floor((Date.parse(time) - nowMs) / 1000) * 1000));
  const connections = Array.isArray(status.connections) ? (status.connections as readonly Connection[]) : [];
  const sessions = table(status.sessions ?? [], {
    role: (s) => s.role,
    identity: (s) => s.identity,
    peer: (s) => s.peer,
    state: (s) => s.state,
    connections: (s) => s.connections,
    age: (s) => ago(s.since),
    'certificate ends in': (s) => until(s.certificateExpires),
  });
  const open = table(connections, {
    connection: (c) => c.connection,
    client: (c) => c.client,
    agent: (c) => c.agent,
    destination: (c) => c.destination,
    address: (c) => c.resolvedAddress,
    sent: (c) => formatBytes(c.bytesFromClient),
    received: (c) => formatBytes(c.bytesFromAgent),
    age: (c) => formatDuration(c.ms),
  });
  const more = (status.connectionsTotal ?? 0) - connections.length;
  return `${status.serverName} on ${status.listen}, certificate ends in ${until(status.certificateExpires ?? '')}\n\n${sessions}\n${connections.length === 0 ? 'no connections\n' : open}${more > 0 ? `and ${more} more\n` : ''}`;
}
