import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PosternError } from '@postern/core';
import { googleApi } from '../verify/google.ts';
import { amazonTypes, findAmazon } from './find-amazon.ts';
import { type ChildRecord, inFlight, parseEvent } from '@postern/terraform/run';
import type { Workspace } from './workspace.ts';

/**
 * After a Terraform that was killed: what it was making at that moment may exist in the cloud and not in the state. Making it
 * again would leave two. Found by its tags (AWS) or its name (Google), it is imported.
 */

/** Terraform's types and Compute's collections. */
const googleTypes: Readonly<Record<string, { readonly collection: string; readonly global: boolean }>> = {
  google_compute_router: { collection: 'routers', global: false },
  google_compute_ha_vpn_gateway: { collection: 'vpnGateways', global: false },
  google_compute_vpn_tunnel: { collection: 'vpnTunnels', global: false },
  google_compute_address: { collection: 'addresses', global: false },
  google_compute_external_vpn_gateway: { collection: 'externalVpnGateways', global: true },
  google_compute_firewall: { collection: 'firewalls', global: true },
};
/** Nothing in the cloud is made, or making it twice is refused there: no second one can come of them. */
const harmless =
  /^(random_|aws_route_table_association|aws_vpn_gateway_route_propagation|aws_vpc_security_group_ingress_rule|google_compute_router_)/;

export interface Adopted {
  readonly address: string;
  readonly id: string;
}

type Attributes = Readonly<Record<string, unknown>>;
interface PlannedResource {
  readonly address: string;
  readonly type: string;
  readonly change: { readonly after: Attributes | null };
}

export async function adopt(
  workspace: Workspace,
  record: ChildRecord,
  place: {
    readonly project: string;
    readonly region: string;
    readonly awsRegion: string | undefined;
    readonly instance: string;
  },
  signal: AbortSignal,
): Promise<Adopted[]> {
  const open = unfinished(record.log);
  if (open.length === 0 || !existsSync(join(workspace.folder, 'plan.bin'))) return [];
  const planned =
    (JSON.parse(await workspace.ask(['show', '-json', 'plan.bin'])) as { resource_changes?: PlannedResource[] })
      .resource_changes ?? [];
  const known = await stateIDs(workspace);
  const adopted: Adopted[] = [];
  for (const { address, type, change } of planned.filter((one) => open.includes(one.address))) {
    if (known.addresses.has(address) || harmless.test(type)) continue;
    const id = await find(type, change.after ?? {}, place, known.ids, signal);
    if (id === undefined) continue;
    await workspace.import(address, type, id);
    adopted.push({ address, id });
  }
  return adopted;
}

function unfinished(log: string): string[] {
  if (!existsSync(log)) return [];
  return inFlight(
    readFileSync(log, 'utf8')
      .split('\n')
      .flatMap((line) => parseEvent(line) ?? []),
  );
}

async function stateIDs(workspace: Workspace): Promise<{ ids: ReadonlySet<string>; addresses: ReadonlySet<string> }> {
  const json = JSON.parse(await workspace.ask(['show', '-json'])) as {
    values?: { root_module?: { resources?: { address: string; values: { id?: string } }[] } };
  };
  const resources = json.values?.root_module?.resources ?? [];
  return {
    ids: new Set(resources.flatMap(({ values }) => values.id ?? [])),
    addresses: new Set(resources.map(({ address }) => address)),
  };
}

async function find(
  type: string,
  after: Attributes,
  place: {
    readonly project: string;
    readonly region: string;
    readonly awsRegion: string | undefined;
    readonly instance: string;
  },
  known: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const name = (after['tags'] as Record<string, string> | undefined)?.['Name'];
  if (amazonTypes[type] !== undefined && name !== undefined && place.awsRegion !== undefined) {
    const found = (
      await findAmazon(type, { Name: name, 'postern.dev/instance': place.instance }, place.awsRegion, signal)
    ).filter((id) => !known.has(id));
    if (found.length > 1)
      throw new PosternError(
        'ADOPT',
        `the last run was killed while it made ${type} ${name}, and AWS has more than one: ${found.join(', ')}`,
        {
          hint: 'delete all but one of them, then run the same command again',
        },
      );
    return found[0];
  }
  const google = googleTypes[type];
  if (google !== undefined && typeof after['name'] === 'string') {
    const scope = google.global ? 'global' : `regions/${place.region}`;
    const path = `${place.project}/${scope}/${google.collection}/${after['name']}`;
    const there = await googleApi(process.env, signal).get(path);
    return there === undefined ? undefined : `projects/${path}`;
  }
  return undefined;
}
