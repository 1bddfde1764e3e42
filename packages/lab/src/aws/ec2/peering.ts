/**
 * VPC peering, also between accounts and regions: one record that both sides see.
 * https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html
 */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { Kind, type Stored } from '../world/kind.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';
import { network, overlap } from './ip.ts';
import { absent, need } from './lookup.ts';
import { type Vpc, vpcs } from './records.ts';
import { tagList, tagsFor } from './tags.ts';

interface Side {
  readonly vpc: string;
  readonly account: string;
  readonly region: string;
  /** Whether it resolves the other side's public names to private addresses. */
  dns: boolean;
}

interface Peering extends Stored {
  readonly requester: Side;
  readonly accepter: Side;
  message: string;
}

/** https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-lifecycle: seven days to answer. */
const expiresAfterMs = 7 * 24 * 3_600_000;
const pendingAfterMs = 150;
const activeAfterMs = 300;
const deletedAfterMs = 300;
/** Deleted, failed and rejected ones stay visible for two hours there, for some seconds here. */
const goneAfterMs = 5000;

const peerings = new Kind<Peering>('vpc-peering-connection', { tagType: 'vpc-peering-connection' });

/** Both sides see it: each in its own region. */
function visible(call: Call, peering: Peering): boolean {
  const sides = [peering.requester, peering.accepter];
  return (
    sides.some(({ account, region }) => account === call.account && region === call.region) && !call.hides(peering)
  );
}

function needPeering(call: Call, id: string | undefined): Peering {
  const peering = peerings.get(call.world, id);
  if (peering === undefined || !visible(call, peering)) throw absent('vpc-peering-connection', id);
  return peering;
}

export const peeringOperations: Operations<typeof sdk> = {
  CreateVpcPeeringConnection(call, input) {
    const own = need(call, vpcs, input.VpcId);
    const account = input.PeerOwnerId ?? call.account;
    const region = input.PeerRegion ?? call.region;
    const tags = tagsFor(call, 'vpc-peering-connection', input.TagSpecifications);
    const peer = vpcs.get(call.world, input.PeerVpcId);
    const found = peer !== undefined && peer.account === account && peer.region === region ? peer : undefined;
    // Inside an account and region the VPC is looked up at once; elsewhere the request fails later.
    if (found === undefined && account === call.account && region === call.region) throw absent('vpc', input.PeerVpcId);
    if (peersOf(call, own.id) >= call.world.quotas.peeringsPerVpc)
      throw new AwsError(
        'VpcPeeringConnectionLimitExceeded',
        'The maximum number of VPC peering connections has been reached.',
      );
    const existing = peerings
      .all(call.world)
      .find((one) => one.requester.vpc === own.id && one.accepter.vpc === input.PeerVpcId && open.has(one.state ?? ''));
    // The same request again answers with the one that is there.
    if (existing !== undefined) return { VpcPeeringConnection: show(call, existing) };
    const peering = peerings.put(call.world, {
      ...call.born(call.world.id('pcx'), tags),
      requester: { vpc: own.id, account: own.account, region: own.region, dns: false },
      accepter: { vpc: input.PeerVpcId ?? '', account, region, dns: false },
      message: `Initiating Request to ${account}`,
      state: 'initiating-request',
    });
    if (found === undefined || conflict(own, found)) {
      peerings.later(call, peering, 'failed', pendingAfterMs);
      peerings.later(call, peering, 'gone', goneAfterMs);
    } else {
      peerings.later(call, peering, 'pending-acceptance', pendingAfterMs);
      peerings.later(call, peering, 'expired', expiresAfterMs);
    }
    return { VpcPeeringConnection: show(call, peering) };
  },

  AcceptVpcPeeringConnection(call, input) {
    const peering = needPeering(call, input.VpcPeeringConnectionId);
    mustBe(peering, 'pending-acceptance');
    if (peering.accepter.account !== call.account || peering.accepter.region !== call.region)
      // https://docs.aws.amazon.com/vpc/latest/peering/accept-vpc-peering-connection.html
      throw new AwsError('OperationNotPermitted', `User ${call.account} cannot accept peering ${peering.id}`);
    peerings.become(call.world, peering, 'provisioning');
    peerings.later(call, peering, 'active', activeAfterMs);
    return { VpcPeeringConnection: show(call, peering) };
  },

  RejectVpcPeeringConnection(call, input) {
    const peering = needPeering(call, input.VpcPeeringConnectionId);
    mustBe(peering, 'pending-acceptance');
    peerings.become(call.world, peering, 'rejected');
    peerings.later(call, peering, 'gone', goneAfterMs);
    return { Return: true };
  },

  DeleteVpcPeeringConnection(call, input) {
    const peering = needPeering(call, input.VpcPeeringConnectionId);
    if (!open.has(peering.state ?? ''))
      throw new AwsError(
        'InvalidStateTransition',
        `Invalid state transition for ${peering.id}, attempted to transition from ${peering.state ?? ''} to deleting`,
      );
    peerings.become(call.world, peering, 'deleting');
    peerings.later(call, peering, 'deleted', deletedAfterMs);
    peerings.later(call, peering, 'gone', goneAfterMs);
    return { Return: true };
  },

  DescribeVpcPeeringConnections(call, input) {
    const ids = input.VpcPeeringConnectionIds ?? [];
    const seen =
      ids.length > 0
        ? ids.map((id) => needPeering(call, id))
        : peerings.all(call.world).filter((one) => visible(call, one));
    const found = filtered(seen, input.Filters, {
      'vpc-peering-connection-id': ({ id }) => id,
      'status-code': ({ state }) => state,
      'requester-vpc-info.vpc-id': ({ requester }) => requester.vpc,
      'requester-vpc-info.owner-id': ({ requester }) => requester.account,
      'requester-vpc-info.cidr-block': (one) => vpcs.get(call.world, one.requester.vpc)?.cidr,
      'accepter-vpc-info.vpc-id': ({ accepter }) => accepter.vpc,
      'accepter-vpc-info.owner-id': ({ accepter }) => accepter.account,
      'accepter-vpc-info.cidr-block': (one) => vpcs.get(call.world, one.accepter.vpc)?.cidr,
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { VpcPeeringConnections: items.map((one) => show(call, one)), NextToken: next };
  },

  ModifyVpcPeeringConnectionOptions(call, input) {
    const peering = needPeering(call, input.VpcPeeringConnectionId);
    mustBe(peering, 'active');
    const set = (side: Side, wanted: sdk.PeeringConnectionOptionsRequest | undefined): void => {
      if (wanted?.AllowDnsResolutionFromRemoteVpc === undefined) return;
      if (side.account !== call.account)
        throw new AwsError(
          'OperationNotPermitted',
          `User ${call.account} cannot modify the options of the other side of ${peering.id}`,
        );
      side.dns = wanted.AllowDnsResolutionFromRemoteVpc;
    };
    set(peering.accepter, input.AccepterPeeringConnectionOptions);
    set(peering.requester, input.RequesterPeeringConnectionOptions);
    return {
      AccepterPeeringConnectionOptions: { AllowDnsResolutionFromRemoteVpc: peering.accepter.dns },
      RequesterPeeringConnectionOptions: { AllowDnsResolutionFromRemoteVpc: peering.requester.dns },
    };
  },
};

const open: ReadonlySet<string> = new Set(['initiating-request', 'pending-acceptance', 'provisioning', 'active']);

function peersOf(call: Call, vpc: string): number {
  return peerings
    .all(call.world)
    .filter((one) => [one.requester.vpc, one.accepter.vpc].includes(vpc) && open.has(one.state ?? '')).length;
}

function mustBe(peering: Peering, state: string): void {
  if (peering.state !== state)
    throw new AwsError(
      'InvalidStateTransition',
      `Invalid state transition for ${peering.id}, it is ${peering.state ?? ''} and not ${state}`,
    );
}

/** https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-limitations: networks that overlap cannot peer. */
function conflict(a: Vpc, b: Vpc): boolean {
  return (
    a.id === b.id || a.cidrs.some((x) => b.cidrs.some((y) => overlap(network(x.cidr, 'cidr'), network(y.cidr, 'cidr'))))
  );
}

const messages: Readonly<Record<string, string>> = {
  'pending-acceptance': 'Pending Acceptance by',
  provisioning: 'Provisioning',
  active: 'Active',
  deleting: 'Deleting',
  deleted: 'Deleted by',
  rejected: 'Rejected by',
  failed: 'Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range',
  expired: 'Expired',
};

function show(call: Call, peering: Peering): sdk.VpcPeeringConnection {
  return {
    VpcPeeringConnectionId: peering.id,
    RequesterVpcInfo: showSide(call, peering.requester),
    AccepterVpcInfo: showSide(call, peering.accepter),
    Status: {
      Code: peering.state as sdk.VpcPeeringConnectionStateReasonCode,
      Message: messages[peering.state ?? ''] ?? peering.message,
    },
    ...(peering.state === 'pending-acceptance'
      ? { ExpirationTime: new Date(peering.createdAtMs + expiresAfterMs) }
      : {}),
    Tags: peering.account === call.account ? tagList(peering.tags) : [],
  };
}

function showSide(call: Call, side: Side): sdk.VpcPeeringConnectionVpcInfo {
  const vpc = vpcs.get(call.world, side.vpc);
  return {
    VpcId: side.vpc,
    OwnerId: side.account,
    Region: side.region,
    ...(vpc === undefined
      ? {}
      : { CidrBlock: vpc.cidr, CidrBlockSet: vpc.cidrs.map(({ cidr }) => ({ CidrBlock: cidr })) }),
    PeeringOptions: { AllowDnsResolutionFromRemoteVpc: side.dns },
  };
}
