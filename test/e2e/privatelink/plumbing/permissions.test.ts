/**
 * Each policy is minimal: on a simulator that enforces exactly the printed policies everything is done and nothing refused;
 * with any one action taken out of any one statement, something is.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { IAM } from '@aws-sdk/client-iam';
import type { AwsSimulator } from '@postern/lab/aws';
import { policiesAsJson, type PolicyRole } from '@postern/privatelink';
import { temporaryDirectory } from '@postern/testing';
import { Killed, startSimulator } from '../harness.ts';
import { type Keys, life } from './life.ts';

let simulator: AwsSimulator;
before(async () => {
  simulator = await startSimulator();
  Object.assign(simulator.world.quotas, { vpcsPerRegion: 100_000, hostedZonesPerAccount: 100_000 });
});
after(() => simulator.close());

type Document = ReturnType<typeof policiesAsJson>[PolicyRole];
type Policies = Record<PolicyRole, Document>;

const whole = (): Policies => ({ ...policiesAsJson({ partition: 'aws', plumbing: true }) });

function without(policies: Policies, role: PolicyRole, sid: string, action: string): Policies {
  const Statement = policies[role].Statement.map((statement) =>
    statement.Sid === sid ? { ...statement, Action: statement.Action.filter((one) => one !== action) } : statement,
  );
  return { ...policies, [role]: { ...policies[role], Statement: Statement.filter(({ Action }) => Action.length > 0) } };
}

function requiredOnly(policies: Policies): Policies {
  const strip = (document: Document): Document => ({
    ...document,
    Statement: document.Statement.filter(({ Sid }) => !Sid.startsWith('ControllerOptional')),
  });
  return { hub: strip(policies.hub), customer: strip(policies.customer), associated: strip(policies.associated) };
}

async function userWith(account: string, document: Document): Promise<Keys> {
  const iam = new IAM({
    endpoint: simulator.url,
    region: 'us-east-1',
    credentials: { accessKeyId: account, secretAccessKey: 'any' },
  });
  await iam.createUser({ UserName: 'limited' });
  await iam.putUserPolicy({ UserName: 'limited', PolicyName: 'p', PolicyDocument: JSON.stringify(document) });
  const { AccessKey } = await iam.createAccessKey({ UserName: 'limited' });
  return { id: AccessKey!.AccessKeyId!, secret: AccessKey!.SecretAccessKey! };
}

interface Lived {
  readonly refused: readonly string[];
  readonly failure: string | undefined;
}

/** One whole life under the policies. @param stopAtRefusal ends it there */
async function live(policies: Policies, stopAtRefusal: boolean, gentle = false): Promise<Lived> {
  using dir = temporaryDirectory();
  const refused: string[] = [];
  const failure = await life(simulator, dir.path, {
    gentle,
    keysFor: (role, account) => userWith(account, policies[role]),
    observer: {
      before() {
        if (stopAtRefusal && refused.length > 0) throw new Killed();
      },
      after({ action, error }) {
        if (error?.kind === 'denied') refused.push(action);
      },
    },
  }).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  return { refused, failure };
}

test('with exactly the policies all is made, repaired and removed, and no call is refused', async () => {
  const { refused, failure } = await live(whole(), false);
  assert.deepEqual([failure, refused], [undefined, []]);
});

test('what is optional is: without it the link is still made and removed', async () => {
  const { failure } = await live(requiredOnly(whole()), false, true);
  assert.equal(failure, undefined);
});

test('with any one action taken away something is refused, and nothing is taken away in vain', async () => {
  const policies = whole();
  const cases = Object.entries(policies).flatMap(([role, { Statement }]) =>
    Statement.flatMap(({ Sid, Action }) => Action.map((action) => ({ role: role as PolicyRole, Sid, action }))),
  );
  assert.ok(cases.length > 60, `${cases.length} actions`);
  const superfluous: string[] = [];
  const sideBySide = 6;
  for (let i = 0; i < cases.length; i += sideBySide)
    await Promise.all(
      cases.slice(i, i + sideBySide).map(async ({ role, Sid, action }) => {
        const { refused } = await live(without(policies, role, Sid, action), true);
        if (refused.length > 0) return;
        // Only what stands in for an optional action: it is needed where that is not granted.
        const { failure } = await live(without(requiredOnly(policies), role, Sid, action), false, true);
        if (failure === undefined) superfluous.push(`${role} ${Sid} ${action}`);
      }),
    );
  assert.deepEqual(superfluous, []);
});

test('the policies are of the partition of the hub', () => {
  const text = JSON.stringify(policiesAsJson({ partition: 'aws-us-gov', plumbing: true }));
  assert.match(text, /arn:aws-us-gov:route53:::hostedzone/);
  assert.doesNotMatch(text, /arn:aws:/);
  for (const document of Object.values(policiesAsJson({ partition: 'aws-us-gov', plumbing: true })))
    assert.ok(JSON.stringify(document).length < 6144, 'a managed policy takes no more');
});
