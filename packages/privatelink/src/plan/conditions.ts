import type { Condition } from '../kinds/status.ts';
import { stableMessage } from './message.ts';

/** Hive's two conditions and the rules by which they move. */

export const readyType = 'AWSPrivateLinkReady';
export const failedType = 'AWSPrivateLinkFailed';

type Conditions = readonly Condition[];

/** Both exist from the first moment, so that "not yet looked at" can be told from "not asked for". */
export function initialised(conditions: Conditions, now: string): Conditions {
  let result = conditions;
  for (const type of [failedType, readyType])
    if (find(result, type) === undefined)
      result = put(result, { type, status: 'Unknown', reason: 'Initialized', message: 'Condition Initialized' }, now);
  return result;
}

/** An error sets both, with one reason and one message. */
export function failed(conditions: Conditions, reason: string, message: string, now: string): Conditions {
  const text = stableMessage(message);
  const withFailed = put(conditions, { type: failedType, status: 'True', reason, message: text }, now);
  return put(withFailed, { type: readyType, status: 'False', reason, message: text }, now);
}

/** Progress leaves Failed alone (an earlier failure stays in sight until success) and never takes Ready away. */
export function progressing(conditions: Conditions, reason: string, message: string, now: string): Conditions {
  if (find(conditions, readyType)?.status === 'True') return conditions;
  return put(conditions, { type: readyType, status: 'False', reason, message: stableMessage(message) }, now);
}

/** Removal is under way: what is being taken away is not ready, whatever it was. */
export function removing(conditions: Conditions, reason: string, message: string, now: string): Conditions {
  return put(conditions, { type: readyType, status: 'False', reason, message: stableMessage(message) }, now);
}

/** Removal is complete: nothing may read Ready after it, whatever it read before. */
export function removed(conditions: Conditions, reason: string, message: string, now: string): Conditions {
  const withReady = put(conditions, { type: readyType, status: 'False', reason, message: stableMessage(message) }, now);
  return put(withReady, { type: failedType, status: 'False', reason, message: stableMessage(message) }, now);
}

export const readyReason = 'PrivateLinkAccessReady';

export function ready(conditions: Conditions, message: string, now: string): Conditions {
  const text = stableMessage(message);
  const withFailed = put(conditions, { type: failedType, status: 'False', reason: readyReason, message: text }, now);
  return put(withFailed, { type: readyType, status: 'True', reason: readyReason, message: text }, now);
}

export function find(conditions: Conditions, type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** The list with this condition; the very same list when it says nothing new, so that nothing is written. */
function put(conditions: Conditions, next: Omit<Condition, 'lastProbeTime'>, now: string): Conditions {
  const old = find(conditions, next.type);
  if (old !== undefined && old.status === next.status && old.reason === next.reason && old.message === next.message)
    return conditions;
  const lastTransitionTime = old?.status === next.status ? (old.lastTransitionTime ?? now) : now;
  const condition: Condition = { ...next, lastProbeTime: now, lastTransitionTime };
  return sorted([...conditions.filter(({ type }) => type !== next.type), condition]);
}

/** Types that are wanted True; for all others False is the good news. */
const wantedTrue = new Set([readyType, 'Provisioned', 'Running', 'Ready', 'Hibernating']);

/** Undesired first, then desired, then unknown; by name within a group, as Hive lists them. */
function sorted(conditions: Conditions): Conditions {
  const rank = ({ type, status }: Condition): number => {
    if (status === 'Unknown') return 2;
    return (status === 'True') === wantedTrue.has(type) ? 1 : 0;
  };
  return conditions.toSorted((a, b) => rank(a) - rank(b) || (a.type < b.type ? -1 : 1));
}
