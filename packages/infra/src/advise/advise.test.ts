/** The advice of the contract's table, its reasons, and that asking ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { advise, type Facts, nextQuestion, pathNames, questions } from './advise.ts';

const tcp = { otherThanTcp: 'no' } as const;
const cases: ReadonlyArray<readonly [facts: Facts, path: string | undefined]> = [
  [{ public: 'yes', ...tcp }, 'nat'],
  [{ public: 'no', location: 'aws', loadBalancer: 'yes', ...tcp }, 'privatelink'],
  [{ public: 'no', location: 'aws', loadBalancer: 'no', joinNetworks: 'yes', overlap: 'no', ...tcp }, 'vpn'],
  [
    { public: 'no', location: 'aws', loadBalancer: 'no', joinNetworks: 'yes', overlap: 'yes', agent: 'yes', ...tcp },
    'tunnel',
  ],
  [{ public: 'no', location: 'on-prem', agent: 'yes', ...tcp }, 'tunnel'],
  [{ public: 'no', location: 'on-prem', agent: 'no', ...tcp }, undefined],
  [
    { public: 'no', location: 'aws', loadBalancer: 'yes', joinNetworks: 'yes', overlap: 'no', otherThanTcp: 'yes' },
    'vpn',
  ],
];

for (const [facts, path] of cases)
  test(`${JSON.stringify(facts)} -> ${path ?? 'none'}`, () => {
    const advice = advise(facts);
    assert.equal(advice.recommended, path);
    assert.deepEqual(
      advice.paths.map((item) => item.path),
      [...pathNames],
    );
    for (const item of advice.paths) assert.ok(item.reasons.length > 0, `${item.path} has a reason`);
  });

test('property: whatever is answered, asking ends, and what is recommended fits', () => {
  const facts = fc.record(
    {
      location: fc.constantFrom('aws', 'gcp', 'azure', 'on-prem', 'other'),
      public: fc.constantFrom('yes', 'no'),
      loadBalancer: fc.constantFrom('yes', 'no'),
      joinNetworks: fc.constantFrom('yes', 'no'),
      overlap: fc.constantFrom('yes', 'no'),
      agent: fc.constantFrom('yes', 'no'),
      otherThanTcp: fc.constantFrom('yes', 'no'),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Facts>;
  const answers = fc.array(fc.nat(), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(facts, answers, (start, picks) => {
      let now: Facts = start;
      for (const pick of picks) {
        const fact = nextQuestion(now);
        if (fact === undefined) break;
        assert.equal(now[fact], undefined, 'nothing is asked twice');
        const { answers: possible } = questions[fact];
        now = { ...now, [fact]: possible[pick % possible.length] };
      }
      assert.equal(nextQuestion(now), undefined);
      const { recommended, paths } = advise(now);
      const fits = paths.filter(({ verdict }) => verdict === 'fits').map(({ path }) => path);
      assert.equal(recommended, fits[0]);
    }),
  );
});
