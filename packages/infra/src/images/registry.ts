/** A client of the OCI distribution API (v1.1): manifests and blobs, no more than locking and copying an image needs. */
import { createHash } from 'node:crypto';
import { errorMessage, PosternError, type Secret } from '@postern/core';
import { basicCredentials, bearerToken } from './auth.ts';

/** Both generations: an index of platforms, or one image. */
const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** The specification lets registries refuse more. */
const manifestBytesMax = 4 * 2 ** 20;
/** A layer of a gigabyte over a slow line; anything longer has hung. */
const requestTimeoutMs = 600_000;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface Manifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called for each attempt: a stream can be sent only once. */
  readonly body?: () => Promise<ReadableStream<Uint8Array> | Buffer>;
}

export class Repository {
  readonly host: string;
  readonly name: string;
  readonly #signal: AbortSignal;
  #authorization: string | undefined;

  constructor(reference: string, signal: AbortSignal) {
    const slash = reference.indexOf('/');
    this.host = reference.slice(0, slash);
    this.name = reference.slice(slash + 1);
    this.#signal = signal;
  }

  toString(): string {
    return `${this.host}/${this.name}`;
  }

  /** By tag or digest. The digest is of the bytes that came, and must be the one that was asked for. */
  async manifest(reference: string): Promise<Manifest> {
    const response = await this.#call(`manifests/${reference}`, { headers: { accept: manifestTypes.join(', ') } });
    if (response.status === 404)
      throw new PosternError('IMAGE_MISSING', `${String(this)} has no ${reference}`, {
        hint: 'is it pushed? is the name right?',
      });
    await this.#expect(response, 200);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (bytes.length > manifestBytesMax)
      throw new PosternError(
        'REGISTRY',
        `${String(this)}: the manifest of ${reference} is larger than ${manifestBytesMax} bytes`,
      );
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const claimed = response.headers.get('docker-content-digest');
    for (const expected of [claimed, reference.startsWith('sha256:') ? reference : null])
      if (expected !== null && expected !== digest)
        throw new PosternError('REGISTRY_DIGEST', `${String(this)} says ${expected} and sends ${digest}`);
    const parsed = JSON.parse(bytes.toString()) as { mediaType?: string };
    const type = response.headers.get('content-type')?.split(';')[0] ?? parsed.mediaType ?? manifestTypes[1]!;
    return { mediaType: type, digest, bytes };
  }

  async putManifest(reference: string, { mediaType, bytes, digest }: Manifest): Promise<void> {
    const response = await this.#call(`manifests/${reference}`, {
      method: 'PUT',
      headers: { 'content-type': mediaType },
      body: async () => bytes,
    });
    await this.#expect(response, 201);
    const stored = response.headers.get('docker-content-digest');
    if (stored !== null && stored !== digest)
      throw new PosternError('REGISTRY_DIGEST', `${String(this)} stored ${stored} in place of ${digest}`);
  }

  async has(kind: 'blobs' | 'manifests', digest: string): Promise<boolean> {
    const response = await this.#call(`${kind}/${digest}`, {
      method: 'HEAD',
      headers: { accept: manifestTypes.join(', ') },
    });
    if (response.status !== 200 && response.status !== 404) await this.#expect(response, 200);
    return response.status === 200;
  }

  /** The blob as a stream that fails at its end where its bytes are not its digest's. */
  async blob({ digest }: Descriptor): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#call(`blobs/${digest}`, {});
    await this.#expect(response, 200);
    const hash = createHash('sha256');
    return response.body!.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          hash.update(chunk);
          controller.enqueue(chunk);
        },
        flush(controller) {
          const got = `sha256:${hash.digest('hex')}`;
          if (got !== digest)
            controller.error(new PosternError('REGISTRY_DIGEST', `a blob came as ${got}, not ${digest}`));
        },
      }),
    );
  }

  async putBlob(descriptor: Descriptor, open: () => Promise<ReadableStream<Uint8Array>>): Promise<void> {
    const start = await this.#call('blobs/uploads/', { method: 'POST', headers: { 'content-length': '0' } });
    await this.#expect(start, 202);
    const location = new URL(start.headers.get('location')!, this.#url(''));
    location.searchParams.set('digest', descriptor.digest);
    const response = await this.#call(location, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(descriptor.size) },
      body: open,
    });
    await this.#expect(response, 201);
  }

  #url(path: string): URL {
    // As docker does: a registry on this machine is spoken to in the clear, any other over TLS.
    const local = /^(localhost|127\.\d+\.\d+\.\d+)(:|$)/.test(this.host);
    return new URL(`${local ? 'http' : 'https'}://${this.host}/v2/${this.name}/${path}`);
  }

  async #call(path: string | URL, call: Call): Promise<Response> {
    const url = typeof path === 'string' ? this.#url(path) : path;
    const first = await this.#fetch(url, call);
    const challenge = first.headers.get('www-authenticate');
    if (first.status !== 401 || challenge === null) return first;
    await first.body?.cancel();
    this.#authorization = await this.#authorize(challenge);
    return this.#fetch(url, call);
  }

  async #authorize(challenge: string): Promise<string | undefined> {
    const credentials = basicCredentials(this.host);
    if (/^basic/i.test(challenge)) return credentials === undefined ? undefined : `Basic ${credentials.reveal()}`;
    const token: Secret | undefined = await bearerToken(challenge, credentials, this.#limit());
    return token === undefined ? undefined : `Bearer ${token.reveal()}`;
  }

  async #fetch(url: URL, { method = 'GET', headers = {}, body }: Call): Promise<Response> {
    // An upload may be sent to another host (a bucket, say), which must not see the registry's token.
    const own = url.host === this.host && this.#authorization !== undefined;
    const authorization = own ? { authorization: this.#authorization! } : {};
    try {
      return await fetch(url, {
        method,
        headers: { ...headers, ...authorization },
        signal: this.#limit(),
        ...(body !== undefined && { body: await body(), duplex: 'half' }),
      });
    } catch (error) {
      if (this.#signal.aborted || error instanceof PosternError) throw error;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new PosternError('REGISTRY', `${this.host} cannot be reached: ${errorMessage(cause)}`, { cause: error });
    }
  }

  #limit(): AbortSignal {
    return AbortSignal.any([this.#signal, AbortSignal.timeout(requestTimeoutMs)]);
  }

  async #expect(response: Response, status: number): Promise<void> {
    if (response.status === status) return;
    const text = (await response.text()).slice(0, 300).trim();
    const hint =
      response.status === 401 || response.status === 403
        ? 'log in first: docker login, or gcloud auth configure-docker'
        : undefined;
    throw new PosternError('REGISTRY', `${String(this)} answers ${response.status}${text === '' ? '' : `: ${text}`}`, {
      ...(hint !== undefined && { hint }),
    });
  }
}
