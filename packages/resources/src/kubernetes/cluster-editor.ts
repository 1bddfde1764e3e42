import { PosternError } from '@postern/core';
import {
  checkEdited,
  type EditDocument,
  type EditOutcome,
  type EditPlace,
  editTriesMax,
  type ResourceEditor,
  sameDocument,
} from '../editor.ts';
import type { ResourceKind } from '../resource-kind.ts';
import type { KubeApi } from './api.ts';
import { isStatus } from './errors.ts';
import { type LiveObject, pathOf } from './live.ts';

/** Edits objects of a cluster: read, change, write on top of what was read, and again when that was old by then. */
export class ClusterEditor implements ResourceEditor {
  readonly #api: KubeApi;

  constructor(api: KubeApi) {
    this.#api = api;
  }

  async read(kind: ResourceKind, place: EditPlace): Promise<EditDocument | undefined> {
    const live = await this.#get(kind, place);
    return live === undefined ? undefined : asWritten(kind, live);
  }

  async edit(
    kind: ResourceKind,
    place: EditPlace,
    change: (document: EditDocument | undefined) => EditDocument | undefined,
  ): Promise<EditOutcome> {
    const where = `${kind.kind} ${place.namespace === '' ? '' : `${place.namespace}/`}${place.name} in ${this.#api.contextName}`;
    for (let attempt = 0; attempt < editTriesMax; attempt++) {
      const live = await this.#get(kind, place);
      const before = live === undefined ? undefined : asWritten(kind, live);
      const after = change(structuredClone(before));
      if (after === undefined || sameDocument(before, after)) return { kind: 'unchanged', where };
      checkEdited(kind, after, before);
      try {
        if (live === undefined)
          await this.#api.call('POST', pathOf(kind, { namespace: place.namespace }), { body: after });
        else {
          const metadata = { ...live.metadata, ...after.metadata, resourceVersion: live.metadata.resourceVersion };
          await this.#api.call('PUT', pathOf(kind, place), { body: { ...after, metadata } });
        }
        return { kind: live === undefined ? 'created' : 'changed', where };
      } catch (error) {
        if (!isStatus(error, 409)) throw error;
      }
    }
    throw new PosternError('CONFLICT', `${where} is being changed by somebody else all the time`, {
      hint: 'try again; is a GitOps tool putting it back?',
    });
  }

  async remove(kind: ResourceKind, place: EditPlace): Promise<boolean> {
    try {
      await this.#api.call('DELETE', pathOf(kind, place));
      return true;
    } catch (error) {
      if (isStatus(error, 404)) return false;
      throw error;
    }
  }

  async #get(kind: ResourceKind, place: EditPlace): Promise<LiveObject | undefined> {
    try {
      return await this.#api.call<LiveObject>('GET', pathOf(kind, place));
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }
}

/** Without what the server adds. */
function asWritten(kind: ResourceKind, live: LiveObject): EditDocument {
  const { apiVersion: _version, kind: _kind, metadata, status: _status, ...rest } = live;
  const { name, namespace, labels, annotations } = metadata;
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    ...rest,
  };
}
