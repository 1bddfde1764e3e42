/**
 * `sandbox open` through a real API server to a pod that answers. There is no node here: the test plays the kubelet's half of
 * port-forwarding (a WebSocket of channels, each begun by its port number), and behind it runs the example application.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Server as HttpServer, get } from 'node:http';
import { type Server, createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { Cluster } from '@postern/sandbox';
import {
  type Kube,
  eventually,
  need,
  needKube,
  postern,
  repositoryRoot,
  run,
  startKube,
  startPostern,
  temporaryDirectory,
} from '@postern/testing';

/** RFC 6455, section 1.3. */
const accept = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

/** One unmasked binary frame, as servers send them. */
function frame(body: Buffer, opcode = 2): Buffer {
  const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (head.length === 2) head[1] = body.length;
  else if (head.length === 4) [head[1]] = [126, head.writeUInt16BE(body.length, 2)];
  else [head[1]] = [127, head.writeBigUInt64BE(BigInt(body.length), 2)];
  return Buffer.concat([head, body]);
}

/** Frames of a client, unmasked; what is not whole yet is kept. */
function* frames(buffer: { bytes: Buffer }): Generator<{ opcode: number; body: Buffer }> {
  for (;;) {
    const { bytes } = buffer;
    if (bytes.length < 2) return;
    const short = bytes[1]! & 0x7f;
    const from = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < from + 4) return;
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (bytes.length < from + 4 + length) return;
    const mask = bytes.subarray(from, from + 4);
    const body = Buffer.from(bytes.subarray(from + 4, from + 4 + length).map((byte, i) => byte ^ mask[i % 4]!));
    buffer.bytes = bytes.subarray(from + 4 + length);
    yield { opcode: bytes[0]! & 0x0f, body };
  }
}

/** Channel 0 carries data, channel 1 errors; each begins with its port, least byte first. */
function forward(socket: Duplex, port: number, application: number): void {
  const upstream = connect(application, '127.0.0.1');
  const number = Buffer.from([port & 0xff, port >> 8]);
  for (const channel of [0, 1]) socket.write(frame(Buffer.concat([Buffer.from([channel]), number])));
  upstream.on('data', (data: Buffer) => socket.write(frame(Buffer.concat([Buffer.from([0]), data]))));
  upstream.on('close', () => socket.end(frame(Buffer.alloc(0), 8)));
  upstream.on('error', () => socket.destroy());
  const buffer = { bytes: Buffer.alloc(0) };
  socket.on('data', (data: Buffer) => {
    buffer.bytes = Buffer.concat([buffer.bytes, data]);
    for (const { opcode, body } of frames(buffer)) {
      if (opcode === 2 && body[0] === 0) upstream.write(body.subarray(1));
      if (opcode === 8) upstream.end();
    }
  });
  socket.on('error', () => upstream.destroy());
  socket.on('close', () => upstream.destroy());
}

describe('sandbox open', { skip: needKube() || need('openssl') }, () => {
  const scratch = temporaryDirectory();
  const dir = join(scratch.path, 'play');
  let kube: Kube;
  let admin: Cluster;
  let application: HttpServer;
  let kubelet: Server;
  const asked: string[] = [];

  before(async () => {
    const { start } = (await import(join(repositoryRoot, 'examples/rest-app/server.mjs'))) as {
      start: (port: number, host: string) => Promise<HttpServer>;
    };
    [kube, application] = await Promise.all([startKube(), start(0, '127.0.0.1')]);
    admin = await Cluster.open({ kubeconfig: kube.kubeconfig });
    const [key, certificate] = [join(scratch.path, 'key.pem'), join(scratch.path, 'cert.pem')];
    const made = await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=node-1',
      '-keyout',
      key,
      '-out',
      certificate,
    ]);
    assert.equal(made.code, 0, made.stderr);
    kubelet = createServer({ key: readFileSync(key), cert: readFileSync(certificate) });
    kubelet.on('upgrade', (request, socket) => {
      asked.push(request.url ?? '');
      const port = Number(new URL(request.url ?? '', 'https://kubelet').searchParams.get('port'));
      const protocol = (request.headers['sec-websocket-protocol'] ?? '')
        .split(/, */)
        .find((one) => one.startsWith('v4.'));
      socket.write(
        [
          'HTTP/1.1 101 Switching Protocols',
          'Upgrade: websocket',
          'Connection: Upgrade',
          `Sec-WebSocket-Accept: ${accept(request.headers['sec-websocket-key'] ?? '')}`,
          `Sec-WebSocket-Protocol: ${protocol ?? ''}`,
          '\r\n',
        ].join('\r\n'),
      );
      forward(socket, port, (application.address() as AddressInfo).port);
    });
    await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));

    assert.equal((await postern(['sandbox', 'init', dir, '--name', 'play'])).code, 0);
    mkdirSync(join(dir, 'blocks'));
    writeFileSync(
      join(dir, 'blocks/rest-app.yaml'),
      JSON.stringify({
        apiVersion: 'postern.dev/v1',
        kind: 'BuildingBlock',
        metadata: { name: 'rest-app' },
        spec: { tenant: 'example', namespace: 'example', manifests: 'manifests.yaml' },
      }),
    );
    await admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'example' } });
    await admin.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'rest-app-service', namespace: 'example' },
      spec: { selector: { app: 'rest-app' }, ports: [{ port: 8080, targetPort: 'http' }] },
    });
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } };
    await admin.create(node);
    await status(node, {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } },
    });
  });
  after(async () => {
    kubelet?.closeAllConnections();
    kubelet?.close();
    application?.close();
    await kube?.[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  const status = async (
    object: { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } },
    value: Record<string, unknown>,
  ): Promise<void> => {
    const path = await admin.path(object, object.metadata.namespace, object.metadata.name);
    await admin.call('PATCH', `${path}/status`, {
      body: { status: value },
      contentType: 'application/merge-patch+json',
    });
  };
  const open = (...args: string[]) =>
    startPostern(['sandbox', 'open', 'rest-app', '--dir', dir, '--kubeconfig', kube.kubeconfig, ...args]);

  it('waits for a ready pod, prints the URL once the application answers, and carries requests', async () => {
    await using opened = open('--port', '0');
    await opened.line(/looking for a ready pod behind rest-app-service/);
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'rest-app-0', namespace: 'example' } };
    const wanted = {
      ...pod,
      metadata: { ...pod.metadata, labels: { app: 'rest-app' } },
      spec: {
        nodeName: 'node-1',
        containers: [
          { name: 'app', image: 'registry.example/rest-app', ports: [{ name: 'http', containerPort: 8080 }] },
        ],
      },
    };
    // The namespace's default account comes a moment after the namespace.
    await eventually('the pod', () => admin.create(wanted));
    await status(pod, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
    const [url] = await opened.line(/http:\/\/localhost:\d+\/api\/v1/);
    for (let i = 0; i < 3; i++) {
      const body = await fetched(url.replace('localhost', '127.0.0.1'));
      assert.match(body, /"service":"rest-app"/);
    }
    assert.match(asked[0] ?? '', /^\/portForward\/example\/rest-app-0.*port=8080/);
    const done = await opened.stop('SIGINT');
    assert.equal(done.signal, null);
  });

  it('says so when the port is taken', async () => {
    const { port } = application.address() as AddressInfo;
    const taken = await postern([
      'sandbox',
      'open',
      'rest-app',
      '--dir',
      dir,
      '--kubeconfig',
      kube.kubeconfig,
      '--port',
      String(port),
    ]);
    assert.equal(taken.code, 2);
    assert.match(taken.stderr, new RegExp(`port ${port} is in use here`));
  });
});

function fetched(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { connection: 'close' } }, (answer) => {
      let text = '';
      answer.on('data', (part: Buffer) => (text += part.toString()));
      answer.on('end', () => (answer.statusCode === 200 ? resolve(text) : reject(new Error(`${answer.statusCode}`))));
    }).on('error', reject);
  });
}
