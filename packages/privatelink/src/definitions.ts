import { type CustomResourceDefinition, customResourceDefinition } from '@postern/resources';
import { privateLinkKinds } from './kinds/index.ts';

/** The CustomResourceDefinitions of our kinds, and of Hive's for a hub without Hive. */
export function definitions({ hive }: { readonly hive: boolean }): CustomResourceDefinition[] {
  return privateLinkKinds
    .filter(({ apiVersion }) => apiVersion.startsWith('postern.dev/') || (hive && apiVersion.startsWith('hive.')))
    .map((kind) => customResourceDefinition(kind));
}
