/**
 * Values of the stub provider: plans leave what the provider would set unknown, applies fill it with something of the right
 * shape. Plain objects; "unknown" is MessagePack extension 0, as cty writes it.
 */
import { ExtData } from '@msgpack/msgpack';
import { createHash, randomBytes } from 'node:crypto';

export type TerraformType = string | readonly [string, TerraformType | Readonly<Record<string, TerraformType>>];

export interface Attribute {
  readonly type: TerraformType;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly computed?: boolean;
  readonly sensitive?: boolean;
}

export interface Block {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly block_types?: Readonly<
    Record<string, { nesting_mode: string; min_items?: number; max_items?: number; block: Block }>
  >;
}

export type Value = Readonly<Record<string, unknown>>;

export const unknown = new ExtData(0, new Uint8Array([0]));

/** Optional attributes that the real provider fills when they are left out. */
const filledWhenLeftOut = new Set(['id', 'project', 'region', 'location', 'zone']);

/** The planned state of a creation: what only the provider knows is unknown. */
export function planned(type: string, block: Block, proposed: Value): Value {
  const state: Record<string, unknown> = { ...proposed };
  for (const [name, attribute] of Object.entries(block.attributes ?? {})) {
    const own = attribute.optional !== true || filledWhenLeftOut.has(name);
    if (attribute.computed === true && own && (state[name] ?? null) === null) state[name] = unknown;
  }
  // Two interfaces always, whose addresses are Google's: references to [0] and [1] must resolve in a plan.
  if (type === 'google_compute_ha_vpn_gateway')
    state['vpn_interfaces'] = [0, 1].map(() => ({
      id: unknown,
      ip_address: unknown,
      interconnect_attachment: null,
    }));
  return state;
}

/** The applied state: every unknown replaced by a value that fits its type and name. */
export function applied(type: string, block: Block, state: Value, project: string): Value {
  const named = ['name', 'account_id', 'repository_id', 'bucket_id'].map((key) => state[key]);
  const name = named.find((value) => typeof value === 'string') ?? type;
  const seed = `${type}/${name}`;
  const fill = (value: unknown, key: string, at: TerraformType, path: string): unknown => {
    if (value instanceof ExtData) return fake(key, at, `${seed}/${path}`, { type, name, project });
    if (Array.isArray(value)) return value.map((item, i) => fill(item, key, 'string', `${path}${i}`));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([k, v]) => [k, fill(v, k, k === 'id' ? 'number' : 'string', `${path}${k}`)]),
      );
    return value;
  };
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(state))
    result[key] = fill(value, key, block.attributes?.[key]?.type ?? 'string', key);
  if (type === 'google_compute_ha_vpn_gateway') numberInterfaces(result);
  return result;
}

function numberInterfaces(state: Record<string, unknown>): void {
  const interfaces = state['vpn_interfaces'];
  if (Array.isArray(interfaces)) state['vpn_interfaces'] = interfaces.map((item: object, id) => ({ ...item, id }));
}

interface About {
  readonly type: string;
  readonly name: string;
  readonly project: string;
}

function fake(key: string, type: TerraformType, seed: string, { type: resource, name, project }: About): unknown {
  if (type === 'number') return hash(seed).readUInt16BE(0);
  if (type === 'bool') return false;
  if (typeof type !== 'string') return ['map', 'object'].includes(type[0]) ? {} : [];
  if (resource === 'random_password' && key === 'result') return randomText(31);
  if (key === 'project') return project;
  if (key === 'region' || key === 'location') return 'europe-west3';
  if (key === 'email') return `${name}@${project}.iam.gserviceaccount.com`;
  if (key.endsWith('_cidr')) return '10.96.0.0/20';
  if (/(^|_)address$/.test(key)) return `203.0.113.${(hash(seed)[0]! % 253) + 1}`;
  if (key === 'id' || key === 'self_link') return `projects/${project}/${resource.replace('google_', '')}/${name}`;
  return `${key}-${hash(seed).toString('hex', 0, 6)}`;
}

function hash(seed: string): Buffer {
  return createHash('sha256').update(seed).digest();
}

function randomText(length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return Array.from(randomBytes(length), (byte) => alphabet[byte % alphabet.length]).join('');
}
