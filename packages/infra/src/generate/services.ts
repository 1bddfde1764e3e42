/** Names of the Services in the operator's own manifests: what NO_PROXY has to list. */
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { listDirectory, readIfThere } from './files.ts';

/** A base is a handful of files; this bounds a directory that is not what it should be. */
const filesMax = 2000;
const fileBytesMax = 4 * 2 ** 20;

export function serviceNames(base: string): string[] {
  const names = new Set<string>();
  let files = 0;
  const visit = (dir: string): void => {
    for (const name of listDirectory(dir).toSorted()) {
      const path = join(dir, name);
      if (!/\.ya?ml$/.test(name)) {
        if (!name.startsWith('.')) visit(path);
      } else if (++files <= filesMax) for (const service of servicesIn(readIfThere(path) ?? '')) names.add(service);
    }
  };
  visit(base);
  return [...names].toSorted();
}

/** What is not YAML, or no Service, is kustomize's business and not ours. */
function servicesIn(text: string): string[] {
  if (text.length > fileBytesMax || !text.includes('Service')) return [];
  return [...parseAllDocuments(text)].flatMap((document) => {
    if (!('errors' in document) || document.errors.length > 0) return [];
    const name: unknown = document.get('kind') === 'Service' ? document.getIn(['metadata', 'name']) : undefined;
    return typeof name === 'string' ? [name] : [];
  });
}
