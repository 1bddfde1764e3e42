/** Locking and copying against a real registry: the digest is the registry's, and the copy is whole. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PosternError } from '@postern/core';
import { need, Running, temporaryDirectory } from '@postern/testing';
import { exampleText } from '../testdata/example.ts';
import { copyImages, lockImages } from './images.ts';
import { type Descriptor, Repository } from './registry.ts';

const signal = AbortSignal.timeout(60_000);

const described = (mediaType: string, bytes: Buffer): Descriptor => ({
  mediaType,
  digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
  size: bytes.length,
});

/** A registry on a port of its own, in memory of the disk below `dir`. */
async function registry(dir: string): Promise<{ host: string } & AsyncDisposable> {
  mkdirSync(dir, { recursive: true });
  const config = join(dir, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: ${dir}/data}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:0"}\n`,
  );
  const running = new Running('docker-registry', ['serve', config]);
  const [, port] = await running.line(/listening on 127\.0\.0\.1:(\d+)/);
  return { host: `127.0.0.1:${port}`, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

/** An index of two platforms that share one layer, pushed through the client under test. */
async function push(reference: string, tag: string): Promise<string> {
  const to = new Repository(reference, signal);
  const layerBytes = Buffer.alloc(300_000, 'postern');
  const layer = described('application/vnd.oci.image.layer.v1.tar', layerBytes);
  await to.putBlob(layer, async () => new Blob([layerBytes]).stream());
  const manifests: object[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const configBytes = Buffer.from(
      JSON.stringify({ architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }),
    );
    const config = described('application/vnd.oci.image.config.v1+json', configBytes);
    await to.putBlob(config, async () => new Blob([configBytes]).stream());
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }));
    const manifest = described(mediaType, bytes);
    await to.putManifest(manifest.digest, { ...manifest, bytes });
    manifests.push({ ...manifest, platform: { architecture, os: 'linux' } });
  }
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  const index = described(mediaType, bytes);
  await to.putManifest(tag, { ...index, bytes });
  return index.digest;
}

function instance(dir: string, source: string, own: string): void {
  writeFileSync(
    join(dir, 'config.yaml'),
    `${exampleText()}  images: {source: "${source}", repository: "${own}", tag: "1.2.3"}\n`,
  );
}

test(
  'lock writes what the registry says; copy brings every platform and layer, digest for digest',
  { skip: need('docker-registry') },
  async () => {
    using scratch = temporaryDirectory();
    await using first = await registry(join(scratch.path, 'a'));
    await using second = await registry(join(scratch.path, 'b'));
    const source = `${first.host}/vendor/postern`;
    const own = `${second.host}/acme/postern`;
    const digest = await push(source, '1.2.3');
    instance(scratch.path, source, own);

    const locked = await lockImages(scratch.path, { signal });
    assert.deepEqual(locked, { repository: source, tag: '1.2.3', digest, changed: true });
    assert.match(readFileSync(join(scratch.path, 'images.lock.yaml'), 'utf8'), new RegExp(`digest: ${digest}`));
    assert.equal((await lockImages(scratch.path, { signal })).changed, false);

    const copied = await copyImages(scratch.path, { signal });
    assert.deepEqual(copied, { from: source, to: own, tag: '1.2.3', digest });
    const arrived = await new Repository(own, signal).manifest('1.2.3');
    assert.equal(arrived.digest, digest);
    for (const { digest: child } of (JSON.parse(arrived.bytes.toString()) as { manifests: Descriptor[] }).manifests) {
      const manifest = JSON.parse((await new Repository(own, signal).manifest(child)).bytes.toString()) as {
        config: Descriptor;
        layers: Descriptor[];
      };
      for (const blob of [manifest.config, ...manifest.layers])
        assert.ok(await new Repository(own, signal).has('blobs', blob.digest));
    }
    const steps: string[] = [];
    await copyImages(scratch.path, { signal, step: (text) => steps.push(text) });
    assert.deepEqual(steps, [], 'what is there is not sent again');

    // The tag moves at the source: what was locked is still what is copied.
    const moved = new Repository(source, signal);
    const { bytes, mediaType } = await moved.manifest('1.2.3');
    const changed = Buffer.from(`${bytes.toString()}\n`);
    await moved.putManifest('1.2.3', { ...described(mediaType, changed), bytes: changed });
    assert.equal((await copyImages(scratch.path, { signal })).digest, digest);
    assert.notEqual((await lockImages(scratch.path, { signal })).digest, digest);
  },
);

test(
  'an image that is not there, and a registry that is not there, are said so; no lock is written',
  { skip: need('docker-registry') },
  async () => {
    using scratch = temporaryDirectory();
    await using only = await registry(join(scratch.path, 'a'));
    instance(scratch.path, `${only.host}/none/postern`, `${only.host}/acme/postern`);
    await assert.rejects(lockImages(scratch.path, { signal }), (error: PosternError) => error.code === 'IMAGE_MISSING');
    instance(scratch.path, '127.0.0.1:1/none/postern', `${only.host}/acme/postern`);
    await assert.rejects(lockImages(scratch.path, { signal }), (error: PosternError) => error.code === 'REGISTRY');
    await assert.rejects(
      copyImages(scratch.path, { signal }),
      (error: PosternError) => error.exitCode === 2 && /images lock/.test(error.hint ?? ''),
    );
    assert.throws(() => readFileSync(join(scratch.path, 'images.lock.yaml')));
  },
);

test('a registry that lies about a digest is not believed, and a token is asked for where one is needed', async () => {
  const manifest = Buffer.from('{"schemaVersion":2}');
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/token') === true) {
      response.end(JSON.stringify({ token: 'let-me-in' }));
    } else if (request.headers.authorization !== 'Bearer let-me-in') {
      const realm = `http://${request.headers.host}/token`;
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="r",scope="repository:x:pull"` })
        .end();
    } else {
      const lie = request.url?.endsWith('/lie') === true ? { 'docker-content-digest': `sha256:${'0'.repeat(64)}` } : {};
      response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json', ...lie }).end(manifest);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const repository = new Repository(`127.0.0.1:${port}/x`, signal);
    assert.equal((await repository.manifest('honest')).digest, described('', manifest).digest);
    await assert.rejects(repository.manifest('lie'), (error: PosternError) => error.code === 'REGISTRY_DIGEST');
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
