/** Hive's rules for the two conditions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failed, failedType, find, initialised, progressing, ready, readyType, removed } from './conditions.ts';

const t = (n: number): string => new Date(n * 1000).toISOString();

test('both begin Unknown, an error sets both, progress touches only Ready, success clears both', () => {
  const start = initialised([], t(0));
  assert.deepEqual(
    start.map(({ type, status, reason }) => [type, status, reason]),
    [
      [failedType, 'Unknown', 'Initialized'],
      [readyType, 'Unknown', 'Initialized'],
    ],
  );
  const error = failed(start, 'DiscoveringNLBFailed', 'no', t(1));
  assert.deepEqual([find(error, failedType)?.status, find(error, readyType)?.status], ['True', 'False']);
  const progress = progressing(error, 'ReconciledVPCEndpoint', 'going', t(2));
  assert.equal(find(progress, failedType)?.reason, 'DiscoveringNLBFailed', 'an earlier failure stays in sight');
  const success = ready(progress, 'there', t(3));
  assert.deepEqual([find(success, failedType)?.status, find(success, readyType)?.status], ['False', 'True']);
  assert.equal(
    progressing(success, 'ReconciledVPCEndpoint', 'again', t(4)),
    success,
    'progress never takes Ready away',
  );
});

test('what says nothing new is the very same list; a transition is a change of status only', () => {
  const one = failed(initialised([], t(0)), 'X', 'a', t(1));
  assert.equal(failed(one, 'X', 'a', t(9)), one);
  const other = failed(one, 'X', 'b', t(9));
  assert.equal(find(other, failedType)?.lastTransitionTime, t(1));
  assert.equal(find(other, failedType)?.lastProbeTime, t(9));
});

test('defect 19: after removal nothing reads Ready, whatever it read before', () => {
  const was = ready(initialised([], t(0)), 'there', t(1));
  const after = removed(was, 'DeprovisionCleanupComplete', 'gone', t(2));
  assert.deepEqual([find(after, failedType)?.status, find(after, readyType)?.status], ['False', 'False']);
});

test('undesired come first, then desired, then unknown; conditions of others stay', () => {
  const list = failed(
    [
      { type: 'Aaa', status: 'Unknown' },
      { type: 'Zzz', status: 'False' },
    ],
    'X',
    'm',
    t(1),
  );
  assert.deepEqual(
    list.map(({ type }) => type),
    [failedType, readyType, 'Zzz', 'Aaa'],
  );
});
