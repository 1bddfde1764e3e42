import { createHmac, randomBytes } from 'node:crypto';
import { anyKind } from '../resource-kind.ts';
import { type SecretData, secretData, secretKind } from '../secret.ts';
import type { KubeApi } from './api.ts';
import { isStatus } from './errors.ts';
import { type LiveObject, pathOf, type Place, toResource } from './live.ts';

/**
 * Secrets are watched by their metadata only, and read one by one when somebody needs them: a hub holds thousands, and this
 * process should hold the few that links name.
 */

interface Known {
  readonly resourceVersion: string;
  readonly data: SecretData;
}

/** Makes versions that say nothing about the content, not even to who can guess it. */
const versionKey = randomBytes(32);

export class SecretReader {
  readonly #api: KubeApi;
  readonly #known = new Map<string, Known>();
  readonly #reading = new Map<string, Promise<SecretData | undefined>>();

  constructor(api: KubeApi) {
    this.#api = api;
  }

  /** @param resourceVersion as the watch saw it; undefined reads it anew */
  read(id: string, place: Place, resourceVersion: string | undefined): Promise<SecretData | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined && known.resourceVersion === resourceVersion) return Promise.resolve(known.data);
    let reading = this.#reading.get(id);
    if (reading === undefined) {
      reading = this.#get(id, place, resourceVersion).finally(() => this.#reading.delete(id));
      this.#reading.set(id, reading);
    }
    return reading;
  }

  /** What was read before the object went. */
  remembered(id: string): SecretData | undefined {
    return this.#known.get(id)?.data;
  }

  forget(id: string): void {
    this.#known.delete(id);
  }

  async #get(id: string, place: Place, seen: string | undefined): Promise<SecretData | undefined> {
    try {
      const object = await this.#api.call<LiveObject>('GET', pathOf(secretKind, place));
      const { metadata, spec } = toResource(anyKind(secretKind), object);
      const content = createHmac('sha256', versionKey).update(JSON.stringify(spec)).digest('hex').slice(0, 16);
      const data = secretData(place.name, `${metadata.uid}:${content}`, spec as Parameters<typeof secretData>[2]);
      // Under the version that the watch knows: where it lags behind, its next event reads again.
      this.#known.set(id, { resourceVersion: seen ?? metadata.resourceVersion, data });
      return data;
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      return undefined;
    }
  }
}
