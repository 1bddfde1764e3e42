/** What differs between what is there and what should be: paths and values, for people to read before it is repaired. PURE. */
import { isObject } from '../gate/json.ts';

/** What the API server writes and no document says. */
const serverFields = new Set([
  'managedFields',
  'resourceVersion',
  'generation',
  'uid',
  'creationTimestamp',
  'selfLink',
]);

/** Enough to see what happened. */
const changesMax = 20;

export function drift(live: unknown, desired: unknown): string[] {
  const changes: string[] = [];
  compare(strip(live), strip(desired), '', changes);
  return changes.length > changesMax
    ? [...changes.slice(0, changesMax), `and ${changes.length - changesMax} more`]
    : changes;
}

function compare(live: unknown, desired: unknown, path: string, changes: string[]): void {
  if (isObject(live) && isObject(desired)) {
    for (const key of [...new Set([...Object.keys(live), ...Object.keys(desired)])].toSorted())
      compare(
        live[key],
        desired[key],
        path === '' ? key : /^[\w-]+$/.test(key) ? `${path}.${key}` : `${path}["${key}"]`,
        changes,
      );
  } else if (Array.isArray(live) && Array.isArray(desired) && live.length === desired.length) {
    for (const [i, item] of live.entries()) compare(item, desired[i], `${path}[${i}]`, changes);
  } else if (JSON.stringify(live) !== JSON.stringify(desired)) {
    changes.push(`${path}: ${show(live)} -> ${show(desired)}`);
  }
}

function show(value: unknown): string {
  if (value === undefined) return '(absent)';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function strip(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { status: _status, ...rest } = value;
  const metadata = isObject(rest['metadata'])
    ? Object.fromEntries(Object.entries(rest['metadata']).filter(([key]) => !serverFields.has(key)))
    : {};
  return { ...rest, metadata };
}
