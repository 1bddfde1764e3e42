/** Edits of a HiveConfig keep what people wrote beside it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDocument, editHiveConfig, isHiveConfig, saysWhatItMeans, withoutDocument } from './hive-yaml.ts';
import type { HiveEdit } from './home.ts';

const text = `# a Secret first
apiVersion: v1
kind: Secret
metadata: {name: x,   namespace: hive}   # spaces as they are
---
# the hub
apiVersion: hive.openshift.io/v1
kind: HiveConfig
metadata: {name: hive}
spec:
  logLevel: debug # not ours
  awsPrivateLink:
    # the inventory
    endpointVPCInventory:
    - region: us-east-1 # first
      vpcID: vpc-1
      subnets:
      - {availabilityZone: us-east-1a, subnetID: subnet-11}
    - region: us-east-1
      vpcID: vpc-2
      subnets: []
    credentialsSecretRef: {name: x}
---
kind: Other
`;

const edit = (what: HiveEdit): string =>
  editDocument(text, isHiveConfig, (document) => editHiveConfig(document, what))!;
const section = {
  endpointVPCInventory: [
    { region: 'us-east-1', vpcID: 'vpc-1', subnets: [{ availabilityZone: 'us-east-1a', subnetID: 'subnet-11' }] },
    { region: 'us-east-1', vpcID: 'vpc-2', subnets: [] },
  ],
  credentialsSecretRef: { name: 'x' },
};
const entry = {
  region: 'us-east-1',
  vpcID: 'vpc-3',
  subnets: [{ availabilityZone: 'us-east-1b', subnetID: 'subnet-31' }],
};

test('an entry comes and goes; comments, order and other documents stay', () => {
  const put: HiveEdit = { kind: 'put-entry', entry, index: 1 };
  const after = edit(put);
  assert.ok(saysWhatItMeans(after, section, put));
  for (const kept of [
    '   # spaces as they are\n---\n# the hub',
    '# not ours',
    '# the inventory',
    '# first',
    '{name: x}',
  ])
    assert.ok(after.includes(kept), `${kept} in\n${after}`);
  assert.match(after, /vpc-1[^]*vpc-3[^]*vpc-2/);
  assert.match(after, /\n---\nkind: Other\n$/);
  const take: HiveEdit = { kind: 'take-entry', vpcID: 'vpc-3' };
  assert.equal(
    editDocument(after, isHiveConfig, (document) => editHiveConfig(document, take)),
    text,
  );
  const whole: HiveEdit = { kind: 'take-section' };
  assert.ok(saysWhatItMeans(edit(whole), section, whole));
  assert.match(edit(whole), /logLevel: debug # not ours\n---\nkind: Other/);
});

test('an entry that is there gets other subnets and keeps its comments', () => {
  const change: HiveEdit = { kind: 'put-entry', entry: { ...entry, vpcID: 'vpc-1' }, index: undefined };
  const after = edit(change);
  assert.match(after, /us-east-1 # first\n +vpcID: vpc-1\n +subnets:\n +- availabilityZone: us-east-1b/);
  assert.ok(saysWhatItMeans(after, section, change));
});

test('an edit that would say something else is noticed; a document is taken out of a file', () => {
  const put: HiveEdit = { kind: 'put-entry', entry, index: undefined };
  assert.ok(!saysWhatItMeans(text, section, put));
  const left = withoutDocument(text, (document) => document.get('kind') === 'Secret');
  assert.match(left ?? '', /^# the hub\n/);
  assert.equal(
    withoutDocument('kind: Secret\n', (document) => document.get('kind') === 'Secret'),
    undefined,
  );
});
