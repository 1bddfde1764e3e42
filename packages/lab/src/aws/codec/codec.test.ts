/** The codecs against the SDK's own: whatever it writes is read back, whatever is written it reads; nothing unknown leaves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { serviceModel } from '../model/service.ts';
import { readForm } from './form.ts';
import { readJson, toJson } from './json.ts';
import { ModelMismatch } from './scalar.ts';
import { readXml, writeMembers } from './xml.ts';

const ec2 = await serviceModel('ec2')!;
const route53 = await serviceModel('route53')!;
const ecr = await serviceModel('ecr')!;

test('a form of numbered members becomes lists and structures', () => {
  const { input } = ec2.operations.get('DescribeVpcEndpoints')!;
  const form = new URLSearchParams(
    'Action=DescribeVpcEndpoints&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.2=b&Filter.1.Value.1=a&MaxResults=5&DryRun=false',
  );
  assert.deepEqual(readForm(input, form, 'ec2'), {
    Filters: [{ Name: 'vpc-id', Values: ['a', 'b'] }],
    MaxResults: 5,
    DryRun: false,
  });
  assert.throws(() => readForm(input, new URLSearchParams('Filter.x.Name=a'), 'ec2'), {
    code: 'InvalidParameterValue',
  });
  assert.throws(() => readForm(input, new URLSearchParams('MaxResults=many'), 'ec2'), {
    code: 'InvalidParameterValue',
  });
});

test('no form, however strange, does more than be refused', () => {
  const { input } = ec2.operations.get('CreateVpcEndpoint')!;
  const part = fc.constantFrom(
    'VpcId',
    'SubnetId',
    'TagSpecification',
    'Tag',
    '1',
    '2',
    '-1',
    'Key',
    '',
    '__proto__',
    'constructor',
  );
  const key = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.string()), { maxLength: 8 }), (pairs) => {
      try {
        readForm(input, new URLSearchParams(pairs), 'ec2');
      } catch (error) {
        assert.equal((error as Error).name, 'AwsError');
      }
    }),
  );
});

test('XML: what is written is read back, with any text in it', () => {
  const { input } = route53.operations.get('ChangeResourceRecordSets')!;
  const text = fc.string({
    unit: fc.constantFrom('a', '<', '&', '>', '"', "'", 'é', '5', ']]>'),
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(text, text, fc.nat(100_000), (name, value, TTL) => {
      const given = {
        ChangeBatch: {
          Comment: value,
          Changes: [
            {
              Action: 'UPSERT',
              ResourceRecordSet: { Name: name, Type: 'TXT', TTL, ResourceRecords: [{ Value: value }] },
            },
          ],
        },
      };
      const read = readXml(
        input,
        `<ChangeResourceRecordSetsRequest>${writeMembers(input, given, 'x')}</ChangeResourceRecordSetsRequest>`,
      );
      assert.deepEqual(read, given);
    }),
  );
  assert.throws(() => readXml(input, '<a><b></a>'), { code: 'MalformedInput' });
  assert.throws(() => readXml(input, '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'), { code: 'InvalidInput' });
});

test('JSON: blobs, times and names; what is of another type is refused', () => {
  const { input, output } = ecr.operations.get('PutImage')!;
  assert.deepEqual(readJson(input, '{"repositoryName": "a", "imageManifest": "{}"}'), {
    repositoryName: 'a',
    imageManifest: '{}',
  });
  assert.throws(() => readJson(input, '{"repositoryName": 5}'), { code: 'SerializationException' });
  assert.throws(() => readJson(input, '{"repositoryName"'), { code: 'SerializationException' });
  assert.deepEqual(toJson(output, { image: { registryId: '1' } }, 'x'), { image: { registryId: '1' } });
});

test('a member that no model has never leaves', () => {
  const { output } = ec2.operations.get('CreateVpc')!;
  assert.throws(() => writeMembers(output, { Vpc: { VpcId: 'vpc-1', Colour: 'red' } }, 'CreateVpc'), ModelMismatch);
  assert.throws(() => writeMembers(output, { Vpc: { VpcId: 5 } }, 'CreateVpc'), ModelMismatch);
});
