import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PosternError } from '@postern/core';
import { privateCertificate } from '../git-host/index.ts';
import type { Children, Daemon, Finished } from './children.ts';
import type { Place, Places } from './namespaces.ts';
import type { Note } from './stage.ts';

/** The demo's world: its files, made by the same commands a person would use, and its four daemons. */

export const names = {
  server: 'tunnel.acme.example',
  /** `.example` resolves nowhere (RFC 2606): only the agent knows the address. */
  host: 'git.corp.acme.example',
  agent: 'dc1@acme.example',
  client: 'product@acme.example',
} as const;

export interface World {
  readonly scratch: string;
  readonly places: Places;
  readonly children: Children;
  /** The words that start `postern`. */
  readonly postern: readonly string[];
  readonly signal: AbortSignal;
}

/** A file of the world. */
export function fileOf(world: World, name: string): string {
  return join(world.scratch, name);
}

/** Runs `postern ARGS...` and shows it as a person would type it; what fails ends the demo with its own words. */
export async function postern(world: World, note: Note, ...args: string[]): Promise<Finished> {
  note.command(`postern ${args.join(' ')}`);
  const finished = await world.children.run([...world.postern, ...args], { cwd: world.scratch }, world.signal);
  if (finished.code === 0) return finished;
  throw new PosternError('DEMO', `postern ${args.join(' ')} ended with ${finished.code}`, {
    hint: (finished.stderr || finished.stdout).trim(),
  });
}

async function start(world: World, place: Place, name: string, ...args: string[]): Promise<Daemon> {
  const command = [...world.places.in(place), ...world.postern, ...args];
  return world.children.start(name, command, fileOf(world, `${name}.log`), world.signal);
}

/** The customer's git host, with a certificate of the customer's own authority. */
export async function startGitHost(world: World, repositories: string): Promise<number> {
  const { caPem, certPem, keyPem } = await privateCertificate([names.host]);
  writeFileSync(fileOf(world, 'corp-ca.pem'), caPem);
  writeFileSync(fileOf(world, 'host.pem'), certPem);
  writeFileSync(fileOf(world, 'host.key'), keyPem, { mode: 0o600 });
  const listen = `${world.places.hostAddress}:${world.places.hostPort}`;
  const files = ['--cert', fileOf(world, 'host.pem'), '--key', fileOf(world, 'host.key')];
  const host = await start(
    world,
    'customer',
    'git-host',
    'lab',
    'git-host',
    '--root',
    repositories,
    '--listen',
    listen,
    ...files,
  );
  return portOf(host, 'listen');
}

/** CA, server.yaml and both identities, by the commands; then the policy, by hand, as the vendor's engineer writes it. */
export async function prepareServer(world: World, hostPort: number, note: Note): Promise<void> {
  await postern(
    world,
    note,
    'tunnel',
    'init',
    '--dir',
    '.',
    '--server-name',
    names.server,
    '--listen',
    world.places.listenServer,
  );
  const identity = (email: string, file: string) =>
    postern(world, note, 'tunnel', 'identity', 'create', email, '--dir', '.', '--out', file);
  await Promise.all([identity(names.agent, 'dc1.json'), identity(names.client, 'product.json')]);
  // The demo may share its machine with a real server: its admin endpoint takes any free port.
  const serverYaml = fileOf(world, 'server.yaml');
  writeFileSync(serverYaml, readFileSync(serverYaml, 'utf8').replace(/^admin:.*$/m, 'admin: 127.0.0.1:0'));
  writeFileSync(
    fileOf(world, 'policy.yaml'),
    `apiVersion: postern.dev/v1
kind: TunnelPolicy
rules:
  - name: product-to-git
    clients: [${names.client}]
    agents: [${names.agent}]
    destinations: ["${names.host}:${hostPort}"]
`,
  );
}

export async function startServer(world: World): Promise<number> {
  return portOf(
    await start(world, 'server', 'server', 'tunnel', 'server', '--config', fileOf(world, 'server.yaml')),
    'listen',
  );
}

/** What agent.yaml and client.yaml begin with. */
function peerYaml(world: World, kind: string, credentials: string, serverPort: number): string {
  return `apiVersion: postern.dev/v1
kind: ${kind}
server: ${world.places.serverAddress}:${serverPort}
serverName: ${names.server}
serverCA: ./ca.pem
credentials: ./${credentials}
admin: 127.0.0.1:0
`;
}

export async function startAgent(world: World, serverPort: number, hostPort: number): Promise<Daemon> {
  const { hostAddress } = world.places;
  // A loopback address passes only when the customer's list names it too; elsewhere the name is enough.
  const allow = [
    `${names.host}:${hostPort}`,
    ...(hostAddress.startsWith('127.') ? [`${hostAddress}:${hostPort}`] : []),
  ];
  writeFileSync(
    fileOf(world, 'agent.yaml'),
    `${peerYaml(world, 'TunnelAgent', 'dc1.json', serverPort)}allow: ${JSON.stringify(allow)}
resolver: {hosts: {${names.host}: ${hostAddress}}}
`,
  );
  return start(world, 'customer', 'agent', 'tunnel', 'agent', '--config', fileOf(world, 'agent.yaml'));
}

/** Returns the port of the HTTP proxy. */
export async function startClient(world: World, serverPort: number): Promise<number> {
  writeFileSync(
    fileOf(world, 'client.yaml'),
    `${peerYaml(world, 'TunnelClient', 'product.json', serverPort)}proxy: {http: 127.0.0.1:${world.places.proxyPort}}
`,
  );
  const client = await start(world, 'product', 'client', 'tunnel', 'client', '--config', fileOf(world, 'client.yaml'));
  return portOf(client, 'http');
}

function portOf(daemon: Daemon, field: string): number {
  const address = daemon.ready[field];
  const port = Number(/:(\d+)$/.exec(typeof address === 'string' ? address : '')?.[1]);
  if (port > 0) return port;
  throw new PosternError('DEMO', `${daemon.name} did not say where it listens (${field})`);
}
