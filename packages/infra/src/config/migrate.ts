/** Older spellings in the text of config.yaml -> the current one, with every comment and every unrelated byte kept. PURE. */
import { isDeepStrictEqual } from 'node:util';
import { type Diagnostic, PosternError, parseYaml } from '@postern/core';
import { readSpellings } from './load.ts';
import { domainRoute, normalize, valueAt } from './spellings.ts';
import { addComment, addEntry, addItem, moveEntry, removeEntry, valueText, wrapInList } from './text-edit.ts';

export interface Migration {
  readonly text: string;
  /** What changed, each with its place in the old text. Empty: nothing was to be done. */
  readonly changes: readonly Diagnostic[];
}

const host = ['spec', 'infrastructure', 'privateCodeHost'];
const aws = [...host, 'aws'];

/** Throws `ConfigError` where the text is not YAML, or holds the same thing in both spellings. */
export function migrate(file: string, text: string): Migration {
  const { changes, value: wanted } = readSpellings(file, text);
  if (changes.length === 0) return { text, changes };
  let next = text;
  for (const step of steps) next = step(next, valueOf(next));
  // The value says what the text must now mean; anything else is a defect of the steps, and nothing is written.
  if (!isDeepStrictEqual(valueOf(next), wanted))
    throw new PosternError('MIGRATE', `${file} is written in a form that cannot be migrated safely`, {
      hint: 'rewrite the older spellings by hand; `postern instance validate` names each',
      exitCode: 2,
    });
  return { text: next, changes };
}

function valueOf(text: string): unknown {
  return parseYaml('', text).documents[0]?.value;
}

type Step = (text: string, value: unknown) => string;

const steps: readonly Step[] = [
  (text, value) =>
    valueAt(value, ['spec', 'privateCodeHost']) === undefined
      ? text
      : moveEntry(text, ['spec', 'privateCodeHost'], host),
  (text, value) =>
    valueAt(value, ['spec', 'infrastructure', 'gke']) === undefined
      ? text
      : moveEntry(text, ['spec', 'infrastructure', 'gke'], ['spec', 'infrastructure', 'gcp', 'gke']),
  (text, value) => (valueAt(value, [...host, 'type']) === undefined ? text : removeEntry(text, [...host, 'type'])),
  (text, value) =>
    valueAt(value, [...aws, 'privateLink']) === undefined
      ? text
      : wrapInList(text, [...aws, 'privateLink'], 'privateLinks'),
  moveDnsFlag,
  moveDomain,
];

function moveDnsFlag(text: string, value: unknown): string {
  const from = [...aws, 'privateDnsEnabled'];
  if (valueAt(value, from) === undefined) return text;
  const links = valueAt(value, [...aws, 'privateLinks']);
  const without = (Array.isArray(links) ? [...links.keys()] : []).filter(
    (i) => valueAt(links, [i, 'privateDnsEnabled']) === undefined,
  );
  if (without.length === 1) return moveEntry(text, from, [...aws, 'privateLinks', without[0]!, 'privateDnsEnabled']);
  const flag = valueText(text, from);
  const added = without.reduce(
    (at, i) => addEntry(at, [...aws, 'privateLinks', i, 'privateDnsEnabled'], `privateDnsEnabled: ${flag}`),
    text,
  );
  return removeEntry(added, from);
}

function moveDomain(text: string, value: unknown): string {
  const made = domainRoute(value);
  if (made === undefined) return text;
  const written = valueText(text, [...host, 'domain']);
  const without = removeEntry(text, [...host, 'domain']);
  if (made.routed) return without;
  const routes = ['spec', 'infrastructure', 'privateDNS', 'routes'];
  if (made.destination === undefined)
    return addComment(
      without,
      ['spec', 'infrastructure'],
      [
        'privateDNS:',
        '  routes:',
        `    - source: ${written}`,
        '      destination: NAME   # that resolves to its private address, such as the endpoint’s regional name',
      ],
    );
  const route = `source: ${written}\ndestination: ${made.destination}`;
  const list = valueAt(value, routes);
  if (Array.isArray(list) && list.length > 0) return addItem(without, routes, route);
  const empty = list === undefined ? without : removeEntry(without, routes);
  return addEntry(empty, routes, `routes:\n  - ${route.replace('\n', '\n    ')}`);
}

/** For tests: what the text means in the current spelling. */
export function meaning(text: string): unknown {
  return normalize(valueOf(text)).value;
}
