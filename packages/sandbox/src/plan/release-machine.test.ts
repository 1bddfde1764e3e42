/** The state machine: no way around the gate, the roles and the order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type ReleaseState, type Transition, next } from './release-machine.ts';

const transition: fc.Arbitrary<Transition> = fc.oneof(
  fc.record({
    kind: fc.constant('evaluate' as const),
    verdict: fc.constantFrom('pass' as const, 'needs-analysis' as const, 'refuse' as const),
    vulnerable: fc.boolean(),
  }),
  fc
    .constantFrom('approve', 'deploy', 'deployed', 'failed', 'supersede', 'roll-back', 'restore')
    .map((kind) => ({ kind })),
);
const actor = fc.record({ name: fc.constantFrom('ada', 'dev'), admin: fc.boolean() });

test('whatever is tried in whatever order: deployed means passed, then approved by another admin', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(transition, actor), { maxLength: 25 }), (steps) => {
      let state: ReleaseState = 'submitted';
      let passed = false;
      let approved = false;
      for (const [step, who] of steps) {
        let after: ReleaseState;
        try {
          after = next(state, step, who, { submitter: 'dev' });
        } catch {
          continue;
        }
        if (step.kind === 'evaluate')
          passed =
            step.verdict === 'pass' ||
            (passed && ['deployed', 'superseded', 'rolled-back', 'quarantined'].includes(state));
        if (step.kind === 'approve') {
          assert.ok(who.admin && who.name !== 'dev' && passed);
          approved = true;
        }
        if (['deploy', 'roll-back', 'restore'].includes(step.kind)) assert.ok(who.admin);
        if (after === 'deploying') assert.ok(approved, `${state} -> deploying without approval`);
        state = after;
      }
    }),
    { numRuns: 500 },
  );
});

test('a later vulnerability quarantines what runs; old evidence alone does not', () => {
  const who = { name: 'scanner', admin: false };
  const evaluate = (state: ReleaseState, verdict: 'pass' | 'refuse', vulnerable: boolean) =>
    next(state, { kind: 'evaluate', verdict, vulnerable }, who, { submitter: 'dev' });
  assert.equal(evaluate('deployed', 'refuse', true), 'quarantined');
  assert.equal(evaluate('deployed', 'refuse', false), 'deployed');
  assert.equal(evaluate('superseded', 'refuse', true), 'quarantined');
  assert.equal(evaluate('quarantined', 'pass', false), 'deployed');
  assert.equal(evaluate('approved', 'refuse', false), 'blocked');
});
