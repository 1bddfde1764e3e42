/** IAM in force: who may what, across accounts, and in which words it is refused. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EC2 } from '@aws-sdk/client-ec2';
import { IAM } from '@aws-sdk/client-iam';
import { Route53 } from '@aws-sdk/client-route-53';
import { STS } from '@aws-sdk/client-sts';
import { type AwsSimulator, startAwsSimulator } from './index.ts';

let simulator: AwsSimulator;
before(async () => (simulator = await startAwsSimulator()));
after(() => simulator.close());

type Keys = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
const root = (account: string): Keys => ({ accessKeyId: account, secretAccessKey: 'any' });
const at = (credentials: Keys) => ({ endpoint: simulator.url, region: 'eu-central-1', credentials, maxAttempts: 1 });
const document = (...Statement: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const allow = (...Action: string[]): object => ({ Effect: 'Allow', Action, Resource: '*' });

async function role(account: string, RoleName: string, trust: object, ...statements: object[]): Promise<string> {
  const iam = new IAM(at(root(account)));
  const made = await iam.createRole({ RoleName, AssumeRolePolicyDocument: document(trust) });
  await iam.putRolePolicy({ RoleName, PolicyName: 'p', PolicyDocument: document(...statements) });
  return made.Role!.Arn!;
}

async function user(account: string, UserName: string, ...statements: object[]): Promise<Keys> {
  const iam = new IAM(at(root(account)));
  await iam.createUser({ UserName });
  await iam.putUserPolicy({ UserName, PolicyName: 'p', PolicyDocument: document(...statements) });
  const { AccessKey: key } = await iam.createAccessKey({ UserName });
  return { accessKeyId: key!.AccessKeyId!, secretAccessKey: key!.SecretAccessKey! };
}

const assume = async (keys: Keys, RoleArn: string, more: { ExternalId?: string } = {}): Promise<Keys> => {
  const { Credentials: made } = await new STS(at(keys)).assumeRole({ RoleArn, RoleSessionName: 'test', ...more });
  return {
    accessKeyId: made!.AccessKeyId!,
    secretAccessKey: made!.SecretAccessKey!,
    sessionToken: made!.SessionToken!,
  };
};

test('a user may what its policies allow, and the refusal names user and action', async () => {
  const keys = await user('111111111111', 'reader', allow('ec2:DescribeVPCs'));
  const ec2 = new EC2(at(keys));
  assert.equal((await new STS(at(keys)).getCallerIdentity({})).Arn, 'arn:aws:iam::111111111111:user/reader');
  await ec2.describeVpcs({});
  await assert.rejects(ec2.createVpc({ CidrBlock: '10.0.0.0/16' }), {
    name: 'UnauthorizedOperation',
    message:
      /User: arn:aws:iam::111111111111:user\/reader is not authorized to perform: ec2:CreateVpc .*Encoded authorization failure message/,
  });
  await assert.rejects(new Route53(at(keys)).listHostedZones({}), { name: 'AccessDenied' });
});

test('a role of another account: trusted, with its external id, and the caller allowed to assume it', async () => {
  const trust = {
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::111111111111:root' },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': 'secret' } },
  };
  const arn = await role('222222222222', 'installer', trust, allow('ec2:*'));
  await assert.rejects(assume(root('111111111111'), arn), { name: 'AccessDenied' });
  await assert.rejects(assume(root('333333333333'), arn, { ExternalId: 'secret' }), { name: 'AccessDenied' });
  const without = await user('111111111111', 'without', allow('ec2:*'));
  await assert.rejects(assume(without, arn, { ExternalId: 'secret' }), { name: 'AccessDenied' });
  const session = await assume(root('111111111111'), arn, { ExternalId: 'secret' });
  assert.equal(
    (await new STS(at(session)).getCallerIdentity({})).Arn,
    'arn:aws:sts::222222222222:assumed-role/installer/test',
  );
  await new EC2(at(session)).createVpc({ CidrBlock: '10.0.0.0/16' });
  await assert.rejects(new EC2(at({ ...session, sessionToken: 'another' })).describeVpcs({}), { name: 'AuthFailure' });
  simulator.world.advance(3_600_001);
  await assert.rejects(new EC2(at(session)).describeVpcs({}), { name: 'RequestExpired' });
});

test('a role that is not there, and one that does not trust, look the same', async () => {
  await assert.rejects(assume(root('111111111111'), 'arn:aws:iam::222222222222:role/none'), {
    name: 'AccessDenied',
    message: /sts:AssumeRole on resource/,
  });
});

test('an explicit deny wins, a resource narrows, a condition must hold', async () => {
  const { Vpc: one } = await new EC2(at(root('444444444444'))).createVpc({ CidrBlock: '10.0.0.0/16' });
  const { Vpc: two } = await new EC2(at(root('444444444444'))).createVpc({ CidrBlock: '10.1.0.0/16' });
  const keys = await user(
    '444444444444',
    'narrow',
    { Effect: 'Allow', Action: 'ec2:DeleteVpc', Resource: `arn:aws:ec2:eu-central-1:444444444444:vpc/${one!.VpcId}` },
    {
      Effect: 'Allow',
      Action: 'ec2:Describe*',
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-central-1' } },
    },
    { Effect: 'Deny', Action: 'ec2:DescribeSubnets', Resource: '*' },
  );
  const ec2 = new EC2(at(keys));
  await ec2.deleteVpc({ VpcId: one!.VpcId! });
  await assert.rejects(ec2.deleteVpc({ VpcId: two!.VpcId! }), { name: 'UnauthorizedOperation' });
  await ec2.describeVpcs({});
  await assert.rejects(new EC2({ ...at(keys), region: 'us-east-1' }).describeVpcs({}), {
    name: 'UnauthorizedOperation',
  });
  await assert.rejects(ec2.describeSubnets({}), { name: 'UnauthorizedOperation', message: /explicit deny/ });
});

test('tags at creation need ec2:CreateTags too', async () => {
  const keys = await user('555555555555', 'creator', allow('ec2:CreateVpc'));
  const ec2 = new EC2(at(keys));
  await ec2.createVpc({ CidrBlock: '10.0.0.0/16' });
  const tagged = {
    CidrBlock: '10.1.0.0/16',
    TagSpecifications: [{ ResourceType: 'vpc' as const, Tags: [{ Key: 'k', Value: 'v' }] }],
  };
  await assert.rejects(ec2.createVpc(tagged), { name: 'UnauthorizedOperation', message: /ec2:CreateTags/ });
});

test("a key nobody made is refused, in each service's words", async () => {
  const unknown = at({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'x' });
  await assert.rejects(new EC2(unknown).describeVpcs({}), { name: 'AuthFailure' });
  await assert.rejects(new Route53(unknown).listHostedZones({}), { name: 'InvalidClientTokenId' });
});

test('accounts see nothing of one another', async () => {
  await new EC2(at(root('666666666666'))).createVpc({ CidrBlock: '10.0.0.0/16' });
  const { Vpcs: theirs } = await new EC2(at(root('777777777777'))).describeVpcs({});
  assert.deepEqual(theirs, []);
});
