/** Crash safety by exhaustion: the controller dies after every API call in turn, and the next life ends in the same world. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AwsSimulator } from '@postern/lab/aws';
import { temporaryDirectory } from '@postern/testing';
import { killAfter, runOnce, startSimulator } from './harness.ts';
import { type Customer, freshAccount, type Hub, makeCustomer, makeHub, makeLoadBalancer } from './world.ts';
import {
  clients,
  credentials,
  makeVpc,
  region,
  remains,
  removeFile,
  writeCluster,
  writeFile,
  writeHub,
} from './world.ts';

const sideBySide = 8;

let simulator: AwsSimulator;
before(async () => {
  simulator = await startSimulator();
  Object.assign(simulator.world.quotas, { vpcsPerRegion: 10_000, hostedZonesPerAccount: 10_000 });
});
after(() => simulator.close());

/** A hub, a customer and an associated VPC of a third account; the crash may come anywhere in the three. */
async function stage(folder: string): Promise<{ hub: Hub; customer: Customer; foreignVpc: string }> {
  const hub = await makeHub(simulator.url, 1, 'a');
  const customer = await makeCustomer(simulator.url, 'a');
  const third = clients(simulator.url, freshAccount());
  const { vpc: foreignVpc } = await makeVpc(third, '10.9', 'a');
  await makeLoadBalancer(customer, 'acme-x7k2p-int');
  const account = (await third.ec2.describeVpcs({})).Vpcs?.[0]?.OwnerId ?? '';
  writeHub(folder, hub, {
    associatedVPCs: [{ vpcID: foreignVpc, region, credentialsSecretRef: { name: 'third' } }],
  });
  writeFile(folder, 'third.yaml', credentials('third', 'hive', account));
  writeCluster(folder, 'acme', customer, {
    privateLink: { additionalAllowedPrincipals: [`arn:aws:iam::${account}:root`] },
  });
  return { hub, customer, foreignVpc };
}

async function assertLink({ hub, customer, foreignVpc }: Awaited<ReturnType<typeof stage>>, when: string) {
  const { endpoints, services, zones } = await remains(hub, customer);
  assert.equal(endpoints.length, 1, `${when}: endpoints`);
  assert.equal(services.length, 1, `${when}: services`);
  assert.equal(zones.length, 1, `${when}: zones`);
  const Id = zones[0]?.Id ?? '';
  const zone = await hub.aws.route53.getHostedZone({ Id });
  assert.deepEqual(
    new Set(zone.VPCs?.map(({ VPCId }) => VPCId)),
    new Set([hub.vpcs[0]!.vpc, foreignVpc]),
    `${when}: associations`,
  );
  const authorisations = await hub.aws.route53.listVPCAssociationAuthorizations({ HostedZoneId: Id });
  assert.deepEqual(authorisations.VPCs ?? [], [], `${when}: authorisations left over`);
  const tags = await hub.aws.route53.listTagsForResource({
    ResourceType: 'hostedzone',
    ResourceId: Id.replace('/hostedzone/', ''),
  });
  assert.equal(
    tags.ResourceTagSet?.Tags?.find(({ Key }) => Key === 'hive.openshift.io/private-link-access-for')?.Value,
    'acme-x7k2p',
    `${when}: the zone's tag`,
  );
}

async function assertNothing({ hub, customer }: Awaited<ReturnType<typeof stage>>, when: string) {
  const { endpoints, services, zones } = await remains(hub, customer);
  assert.deepEqual([endpoints, services, zones], [[], [], []], when);
}

test('killed after every call of a full create and of a full delete, the next life ends in the same world', async () => {
  let creates = 0;
  let deletes = 0;
  const oneDeath = async (n: number): Promise<void> => {
    using dir = temporaryDirectory();
    const world = await stage(dir.path);
    const creating = await runOnce(dir.path, simulator.url, { observer: killAfter(n) });
    const { verdicts } = await runOnce(dir.path, simulator.url);
    const when = `killed after call ${n} of the create`;
    const states = verdicts.map(({ verdict }) => verdict.state);
    assert.deepEqual(states, ['ready'], `${when}: ${JSON.stringify(verdicts)}`);
    await assertLink(world, when);
    if (creating.killed) creates++;
    removeFile(dir.path, 'acme.yaml');
    const removing = await runOnce(dir.path, simulator.url, { observer: killAfter(n) });
    await runOnce(dir.path, simulator.url);
    await assertNothing(world, `killed after call ${n} of the delete`);
    if (removing.killed) deletes++;
  };
  // Accounts of their own each, so that several deaths run side by side; the end is where nobody died.
  for (let n = 1, died = -1; died !== creates + deletes; n += sideBySide) {
    died = creates + deletes;
    await Promise.all(Array.from({ length: sideBySide }, (_, i) => oneDeath(n + i)));
  }
  assert.ok(creates >= 15, `a full create is more than ${creates} calls`);
  assert.ok(deletes >= 8, `a full delete is more than ${deletes} calls`);
});

test('AWS lists nothing new for a while after each crash: client tokens and caller references keep the creates single', async () => {
  for (const action of ['CreateVpcEndpointServiceConfiguration', 'CreateVpcEndpoint', 'CreateHostedZone']) {
    using dir = temporaryDirectory();
    const world = await stage(dir.path);
    const looks = ['DescribeVpcEndpoint*', 'ListHostedZones*'];
    for (const look of looks)
      simulator.rule({ id: look.slice(0, 4), match: { action: look }, effect: { hideNewForMs: 5000 } });
    let killed = false;
    const observer = {
      before() {
        if (killed) throw new Error('it was killed');
      },
      after(call: { action: string; error: unknown }) {
        if (!call.action.endsWith(`:${action}`) || call.error !== undefined) return;
        killed = true;
        throw new Error('killed');
      },
    };
    await assert.rejects(runOnce(dir.path, simulator.url, { observer }), /killed/);
    const { verdicts } = await runOnce(dir.path, simulator.url);
    simulator.world.rules.clear();
    await assertLink(world, `killed after ${action}: ${JSON.stringify(verdicts)}`);
  }
});
