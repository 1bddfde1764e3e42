/**
 * Condition messages must not change while the trouble does not: every change is a write, and every write wakes the
 * controller. What differs from call to call is taken out (Hive needed six fixes for this: HIVE-2923 and before).
 */

/** Kubernetes bounds a condition's message at 32 KiB; nobody reads more than this. */
const messageLengthMax = 1024;

const scrubs: ReadonlyArray<readonly [RegExp, string]> = [
  [/\s*[\n\t]+\s*/g, ', '],
  // "Encoded authorization failure message: <blob>": decodable only with another permission, different every time.
  [/(encoded authorization failure message:?)\s*[\w+/=-]+/gi, '$1 [removed]'],
  [/,?\s*\(?\brequest[ -]?id\b\s*[:=]?\s*[\w-]+\)?/gi, ''],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '[id]'],
  // The session is another one after every AssumeRole; the role is what a reader must grant to.
  [/(arn:[^:\s]+:sts::\d{12}:assumed-role\/[^/\s]+)\/[^\s,;]+/g, '$1'],
  [/current time \S+ is after \S+/gi, 'the certificate has expired'],
  [/\b\d{8}T\d{6}Z\b/g, '[time]'],
  [/\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})?/g, '[time]'],
  [/\s{2,}/g, ' '],
];

export function stableMessage(text: string): string {
  let stable = text;
  for (const [pattern, replacement] of scrubs) stable = stable.replace(pattern, replacement);
  stable = stable.trim().replace(/[\s,:]+$/, '');
  return stable.length > messageLengthMax ? `${stable.slice(0, messageLengthMax - 1)}…` : stable;
}
