import { Secret } from '@postern/core';
import { z } from 'zod';
import type { ResourceKind } from './resource-kind.ts';
import { metadataSchema } from './resource.ts';

/** `v1` `Secret`, as on a cluster: credentials and kubeconfigs. */

/** Base64 per key, as in the document; `stringData` has been folded in. */
export interface SecretSpec {
  readonly type?: string;
  readonly data: Readonly<Record<string, string>>;
}

/** A Secret as its readers get it. `version` changes with the content: caches of clients are keyed by it. */
export interface SecretData {
  readonly name: string;
  readonly version: string;
  readonly values: ReadonlyMap<string, Secret>;
}

/** Kubernetes' own bound on a Secret: 1 MiB. */
const valueBytesMax = 2 ** 20;

const base64 = z
  .string()
  .max(valueBytesMax * 1.4)
  .refine((text) => /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text) && text.replace(/\s/g, '').length % 4 === 0, {
    // The value itself must not reach a log or a terminal.
    error: 'is not base64; plain text belongs under stringData',
  });

const spec: z.ZodType<SecretSpec> = z.object({
  type: z.string().optional(),
  data: z.record(z.string(), base64),
}) as z.ZodType<SecretSpec>;

export const secretKind: ResourceKind<SecretSpec> = {
  apiVersion: 'v1',
  kind: 'Secret',
  description: 'Credentials and kubeconfigs, as on a cluster.',
  plural: 'secrets',
  scope: 'Namespaced',
  spec,
  schema: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Secret'),
    metadata: metadataSchema,
    type: z.string().optional(),
    immutable: z.boolean().optional(),
    data: z.record(z.string(), base64).nullish(),
    stringData: z.record(z.string(), z.string().max(valueBytesMax)).nullish(),
  }),
  specOf(document) {
    const { type, data, stringData } = document as {
      type?: string;
      data?: Record<string, string> | null;
      stringData?: Record<string, string> | null;
    };
    const plain = Object.entries(stringData ?? {}).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    return {
      ...(type === undefined ? {} : { type }),
      data: { ...data, ...(Object.fromEntries(plain) as Record<string, string>) },
    };
  },
  attachment: true,
  uses: () => [],
  admit: () => [],
};

/** What is inside, decoded and unprintable. */
export function secretData(name: string, version: string, spec: SecretSpec): SecretData {
  const values = Object.entries(spec.data).map(
    ([key, text]) => [key, new Secret(Buffer.from(text, 'base64').toString('utf8'))] as const,
  );
  return { name, version, values: new Map(values) };
}
