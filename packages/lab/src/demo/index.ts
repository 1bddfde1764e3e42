import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Children } from './children.ts';
import { createNamespaces, oneMachine } from './namespaces.ts';
import { serveable } from './repository.ts';
import { createStage, type Stage } from './stage.ts';
import { auditRecords, cloneThrough, directAttempt, refusal, type Scene, urlOf } from './story.ts';
import { names, prepareServer, startAgent, startClient, startGitHost, startServer, type World } from './world.ts';
import { findHttpBackend } from '../git-host/index.ts';

/** `postern up`: a git clone through the tunnel, on one machine, with every part a real process. */
export interface DemoOptions {
  /** The words that start `postern`. */
  readonly postern: readonly string[];
  /** Path or URL of the repository to clone. */
  readonly repo: string;
  /** Ends after the story instead of staying up. */
  readonly once: boolean;
  readonly namespaces: boolean;
  readonly out: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  /** Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Runs the demo. Resolves when all of it is gone again; rejects with the step that failed. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const stage = createStage(options.out);
  const children = new Children();
  const scratch = mkdtempSync(join(tmpdir(), 'postern-up-'));
  let places = oneMachine;
  const lastResort = (): void => {
    children.killAll();
    places.remove();
    rmSync(scratch, { recursive: true, force: true });
  };
  process.once('exit', lastResort);
  try {
    findHttpBackend();
    stage.act('postern up: a git clone through the tunnel');
    if (options.namespaces)
      places = await stage.step('three network namespaces: product, server, customer', (note) => {
        const made = createNamespaces(String(process.pid));
        note.command(`ip netns list    # postern-${process.pid}-product, -server, -customer`);
        return Promise.resolve(made);
      });
    const world: World = { scratch, places, children, postern: options.postern, signal: options.signal };
    const scene = await raise(world, stage, options.repo);
    stage.act('what happens');
    await directAttempt(scene);
    await cloneThrough(scene);
    await refusal(scene);
    await auditRecords(scene);
    if (options.once) stage.act('done: the clone is whole, the rest is closed');
    else await stayUp(scene, options.signal);
  } catch (error) {
    // Ctrl-C is a wish and not a failure, whatever it cut short.
    if (!options.signal.aborted || options.once) throw error;
  } finally {
    stage.end();
    await children.end();
    process.off('exit', lastResort);
    lastResort();
  }
}

async function raise(world: World, stage: Stage, repo: string): Promise<Scene> {
  const { signal } = world;
  const served = await stage.step('a repository for the private host', async (note) => {
    note.command(`git clone --bare ${repo}`);
    return serveable(repo, world.scratch, world.children, signal);
  });
  const hostPort = await stage.step(
    'the customer: a git host behind the firewall, certificate of a private CA',
    async (note) => {
      const port = await startGitHost(world, served.root);
      note.result(`${names.host}:${port}, a name that only the agent can resolve`);
      return port;
    },
  );
  await stage.step('the vendor: CA, identities, policy', (note) => prepareServer(world, hostPort, note));
  const serverPort = await stage.step('the server, which proves identities and applies the policy', async (note) => {
    note.command('postern tunnel server --config server.yaml');
    return startServer(world);
  });
  await stage.step('the agent in the customer network, which only dials out', async (note) => {
    note.command('postern tunnel agent --config agent.yaml');
    return startAgent(world, serverPort, hostPort);
  });
  const proxyPort = await stage.step('the client beside the product, a forward proxy', async (note) => {
    note.command('postern tunnel client --config client.yaml');
    return startClient(world, serverPort);
  });
  return { world, stage, served, hostPort, proxyPort };
}

async function stayUp(scene: Scene, signal: AbortSignal): Promise<void> {
  const { world, stage, proxyPort } = scene;
  const url = urlOf(scene);
  const ca = join(world.scratch, 'corp-ca.pem');
  const inProduct = world.places
    .in('product')
    .map((word) => `${word} `)
    .join('');
  stage.act('it stays up; try in another terminal');
  stage.text(`${inProduct}env GIT_SSL_CAINFO=${ca} git -c http.proxy=http://127.0.0.1:${proxyPort} clone ${url} /tmp/clone
${inProduct}curl -x http://127.0.0.1:${proxyPort} --cacert ${ca} ${url}/HEAD
${inProduct}curl -x http://127.0.0.1:${proxyPort} https://payroll.corp.acme.example/      # refused: no rule
npx postern tunnel audit --dir ${world.scratch} --since 10m
npx postern tunnel agent pause --config ${join(world.scratch, 'agent.yaml')}      # the customer's switch; resume ends it
npx postern tunnel identity revoke ${names.client} --dir ${world.scratch}      # and the vendor's

Ctrl-C ends it and removes ${world.scratch}`);
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  stage.act('ending');
}
