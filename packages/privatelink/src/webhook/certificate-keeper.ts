import { type Clock, Secret } from '@postern/core';
import { anyKind, type ResourceEditor, secretKind } from '@postern/resources';
import { type Generation, liveRoots, newGeneration, readCertificate } from './certificates.ts';

/**
 * Keeps the webhook's certificate: made at the start, made anew long before it ends, shared by all replicas through a Secret where
 * one is named. The API server trusts the new root before anybody serves its certificate, and the old one until it ends.
 */

export interface KeeperOptions {
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly lifetimeMs: number;
  /** Where replicas meet; undefined: this process keeps its own, in memory. */
  readonly shared: { readonly editor: ResourceEditor; readonly namespace: string; readonly name: string } | undefined;
}

export interface Kept {
  readonly current: Generation;
  /** The roots to trust, PEM, the newest first. */
  readonly bundlePem: string;
}

/** A certificate is replaced when this part of its life has passed: weeks to notice that it could not be. */
const renewPart = 2 / 3;

export class CertificateKeeper {
  readonly #options: KeeperOptions;
  #kept: Kept | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** What to serve and trust now; makes what is missing or old. */
  async look(): Promise<Kept> {
    const { shared } = this.#options;
    const before = shared === undefined ? this.#kept : await this.#read();
    this.#kept = before !== undefined && this.#isYoung(before) ? before : await this.#renew();
    return this.#kept;
  }

  #isYoung({ current }: Kept): boolean {
    const { clock, lifetimeMs, names } = this.#options;
    const leaf = readCertificate(current.certPem);
    return (
      leaf !== undefined &&
      names.every((name) => leaf.covers(name)) &&
      leaf.notAfterMs - clock.now() > lifetimeMs * (1 - renewPart)
    );
  }

  async #renew(): Promise<Kept> {
    const { names, clock, lifetimeMs, shared } = this.#options;
    const made = await newGeneration(names, clock.now(), lifetimeMs);
    const bundle = (older: string): string => liveRoots(`${made.caPem}${older}`, clock.now()).join('');
    if (shared === undefined) return { current: made, bundlePem: bundle(this.#kept?.bundlePem ?? '') };
    // Another replica may have been faster; then its generation is as good as ours.
    let kept: Kept | undefined;
    await shared.editor.edit(anyKind(secretKind), shared, (document) => {
      const there = document === undefined ? undefined : fromData(document['data'] as Data | undefined);
      if (there !== undefined && this.#isYoung(there)) {
        kept = there;
        return undefined;
      }
      kept = { current: made, bundlePem: bundle(there?.bundlePem ?? '') };
      return {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { ...document?.metadata, name: shared.name, namespace: shared.namespace },
        type: 'kubernetes.io/tls',
        data: toData(kept),
      };
    });
    return kept!;
  }

  async #read(): Promise<Kept | undefined> {
    const { editor, namespace, name } = this.#options.shared!;
    const document = await editor.read(anyKind(secretKind), { namespace, name });
    return document === undefined ? undefined : fromData(document['data'] as Data | undefined);
  }
}

type Data = Readonly<Record<string, string>>;

function toData({ current, bundlePem }: Kept): Data {
  const encoded = (text: string): string => Buffer.from(text).toString('base64');
  return {
    'tls.crt': encoded(current.certPem),
    'tls.key': encoded(current.keyPem.reveal()),
    'ca.crt': encoded(bundlePem),
  };
}

function fromData(data: Data | undefined): Kept | undefined {
  const decoded = (key: string): string => Buffer.from(data?.[key] ?? '', 'base64').toString();
  const [certPem, keyPem, bundlePem] = [decoded('tls.crt'), decoded('tls.key'), decoded('ca.crt')];
  const leaf = readCertificate(certPem);
  if (leaf === undefined || keyPem === '' || bundlePem === '') return undefined;
  return { current: { certPem, keyPem: new Secret(keyPem), caPem: bundlePem, notAfterMs: leaf.notAfterMs }, bundlePem };
}
