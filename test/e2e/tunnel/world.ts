/**
 * A tunnel of real processes for the end-to-end tests: files written by hand as a person would, server, agent and client
 * started by hand on ephemeral ports, their addresses read from their `ready` lines.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, postern, type Running, startPostern, temporaryDirectory } from '@postern/testing';
import { freePort } from './targets.ts';

export const agentEmail = 'dc1@acme.example';
export const clientEmail = 'gitserver@acme.example';

export interface WorldOptions {
  /** YAML of the policy's `rules`, beside the default one. */
  readonly rules?: string;
  readonly allow?: readonly string[];
  /** Further lines of each file. */
  readonly serverYaml?: string;
  readonly agentYaml?: string;
  readonly clientYaml?: string;
  /** Targets of static forwards. */
  readonly forwards?: readonly string[];
  /** Names that only the agent knows, beside `*.corp.example` ones given here. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Further identities, beside the agent's and the client's. */
  readonly identities?: readonly string[];
}

/** What a daemon says when it is up. */
export type Ready = Readonly<Record<string, unknown>>;

export interface Daemon {
  readonly process: Running;
  readonly ready: Ready;
}

/** Everything loopback, and every name of the corporation, at every port. */
const everything = ['*.corp.example:*', '127.0.0.0/8:*'];

export class TunnelWorld implements AsyncDisposable {
  readonly dir: string;
  readonly options: WorldOptions;
  readonly #scratch: Disposable;
  readonly #processes: Running[] = [];
  server!: Daemon;
  agent!: Daemon;
  client!: Daemon;

  private constructor(options: WorldOptions) {
    const scratch = temporaryDirectory();
    this.#scratch = scratch;
    this.dir = scratch.path;
    this.options = options;
  }

  /** Files, identities and the three processes, ready to carry. */
  static async start(options: WorldOptions = {}): Promise<TunnelWorld> {
    const world = await TunnelWorld.prepare(options);
    try {
      world.server = await world.startServer();
      [world.agent, world.client] = await Promise.all([world.startAgent(), world.startClient()]);
      await Promise.all([world.connected(world.agent), world.connected(world.client)]);
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
    return world;
  }

  /** Only the files. */
  static async prepare(options: WorldOptions = {}): Promise<TunnelWorld> {
    const world = new TunnelWorld(options);
    await world.ok('tunnel', 'init', '--dir', world.dir, '--server-name', 'localhost', '--listen', '127.0.0.1:0');
    await Promise.all(
      [agentEmail, clientEmail, ...(options.identities ?? [])].map((email) => world.createIdentity(email)),
    );
    world.write('policy.yaml', policyYaml(options.rules));
    world.write('server.yaml', serverYaml('127.0.0.1:0', options.serverYaml));
    return world;
  }

  file(name: string): string {
    return join(this.dir, name);
  }

  write(name: string, text: string, mode = 0o644): string {
    writeFileSync(this.file(name), text, { mode });
    return this.file(name);
  }

  credentials(email: string): string {
    return this.file(`${email.split('@')[0]}.json`);
  }

  async createIdentity(email: string): Promise<void> {
    await this.ok('tunnel', 'identity', 'create', email, '--dir', this.dir, '--out', this.credentials(email));
  }

  /** Runs a command that must succeed. */
  async ok(...args: string[]): Promise<string> {
    const finished = await postern(args);
    assert.equal(finished.code, 0, `postern ${args.join(' ')}\n${finished.stdout}${finished.stderr}`);
    return finished.stdout;
  }

  async startServer(): Promise<Daemon> {
    return this.daemon('tunnel', 'server', '--config', this.file('server.yaml'));
  }

  async startAgent(name = 'agent', email = agentEmail, extra = ''): Promise<Daemon> {
    const { allow = everything, agentYaml = '', hosts } = this.options;
    const known = { 'host.corp.example': '127.0.0.1', ...hosts };
    // `agent pause` and `stop` find the agent by the port in its file.
    this.write(
      `${name}.yaml`,
      `${this.peerYaml('TunnelAgent', email, await freePort())}allow: ${JSON.stringify(allow)}
resolver: {hosts: ${JSON.stringify(known)}}
${agentYaml}
${extra}
`,
    );
    return this.daemon('tunnel', 'agent', '--config', this.file(`${name}.yaml`));
  }

  async startClient(name = 'client', email = clientEmail): Promise<Daemon> {
    const { forwards = [], clientYaml = '' } = this.options;
    this.write(
      `${name}.yaml`,
      `${this.peerYaml('TunnelClient', email)}proxy: {http: 127.0.0.1:0, socks5: 127.0.0.1:0}
forwards:${forwards.length === 0 ? ' []' : forwards.map((to) => `\n  - {listen: 127.0.0.1:0, to: "${to}"}`).join('')}
${clientYaml}
`,
    );
    return this.daemon('tunnel', 'client', '--config', this.file(`${name}.yaml`));
  }

  /** The lines that agent.yaml and client.yaml share. */
  peerYaml(kind: string, email: string, adminPort = 0): string {
    return `apiVersion: postern.dev/v1
kind: ${kind}
server: localhost:${this.serverPort}
serverCA: ./ca.pem
credentials: ${this.credentials(email)}
admin: 127.0.0.1:${adminPort}
`;
  }

  /** Starts any daemon and waits for its `ready` line: a peer's comes when it is connected. */
  async daemon(...args: string[]): Promise<Daemon> {
    const process = this.spawn(...args);
    const [line] = await process.line(/^.*"message":"ready".*$/m);
    return { process, ready: JSON.parse(line) as Ready };
  }

  /** Starts any daemon. It goes with the world. */
  spawn(...args: string[]): Running {
    const process = startPostern(args);
    this.#processes.push(process);
    return process;
  }

  /** Until its `/readyz` answers 200: for a peer, connected to the server. */
  async connected(daemon: Daemon): Promise<void> {
    await eventually(`${address(daemon, 'admin')} is ready\n${daemon.process.stderr.slice(-1000)}`, async () => {
      const response = await fetch(`http://${address(daemon, 'admin')}/readyz`);
      await response.arrayBuffer();
      return response.status === 200;
    });
  }

  /** The same server, on the same port, as after a crash or an upgrade. */
  async restartServer(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const port = this.serverPort;
    await this.server.process.stop(signal);
    this.write('server.yaml', serverYaml(`127.0.0.1:${port}`, this.options.serverYaml));
    this.server = await this.startServer();
  }

  get serverPort(): number {
    return portOf(this.server, 'listen');
  }
  get httpPort(): number {
    return portOf(this.client, 'http');
  }
  get socksPort(): number {
    return portOf(this.client, 'socks5');
  }
  forwardPort(index: number): number {
    return Number(/:(\d+)$/.exec((this.client.ready['forwards'] as string[])[index]!)![1]);
  }

  /** The audit log's records, oldest first, read as a person would. */
  async audit(...args: string[]): Promise<AuditEntry[]> {
    const text = await this.ok('tunnel', 'audit', '--dir', this.dir, '-o', 'json', ...args);
    return (JSON.parse(text) as Array<AuditEntry & { record?: AuditEntry }>).map((entry) => entry.record ?? entry);
  }

  /** Waits until the log has a record like this; batches make it a moment late. */
  async audited(event: string, like: (entry: AuditEntry) => boolean = () => true): Promise<AuditEntry> {
    return eventually(`an audit record ${event}`, async () => (await this.audit('--event', event)).find(like));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes.toReversed()) await process[Symbol.asyncDispose]();
    this.#scratch[Symbol.dispose]();
  }
}

export interface AuditEntry {
  readonly event: string;
  readonly time: string;
  readonly identity?: string;
  readonly client?: string;
  readonly agent?: string;
  readonly destination?: string;
  readonly resolvedAddress?: string;
  readonly rule?: string;
  readonly reason?: string;
  readonly connection?: string;
  readonly bytesFromClient?: number;
  readonly bytesFromAgent?: number;
  readonly ms?: number;
}

export function policyYaml(rules = ''): string {
  return `apiVersion: postern.dev/v1
kind: TunnelPolicy
rules:
  - name: everything-of-the-corporation
    clients: [${clientEmail}]
    agents: [${agentEmail}]
    destinations: ["*.corp.example:1024-65535", "127.0.0.0/8:1024-65535", "*.corp.example:22-443"]
${rules}`;
}

export function serverYaml(listen: string, extra = ''): string {
  return `apiVersion: postern.dev/v1
kind: TunnelServer
listen: ${listen}
admin: 127.0.0.1:0
serverName: localhost
dataDir: ./data
policyFile: ./policy.yaml
sourceRanges: []
${extra}
`;
}

export function address(daemon: Daemon, field: string): string {
  const value = daemon.ready[field];
  assert.ok(typeof value === 'string', `the ready line has no ${field}: ${JSON.stringify(daemon.ready)}`);
  return value;
}

export function portOf(daemon: Daemon, field: string): number {
  return Number(/:(\d+)$/.exec(address(daemon, field))![1]);
}
