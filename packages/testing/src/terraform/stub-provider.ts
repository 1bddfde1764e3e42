/**
 * A Terraform provider that knows shapes and nothing else: `node stub-provider.ts SCHEMA.json`. Terraform itself then checks
 * attribute names, types, required arguments and references. It proves nothing about the cloud's own rules.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { decode, encode } from '@msgpack/msgpack';
import { applied, type Block, planned, type Value } from './values.ts';

interface ProviderSchema {
  readonly provider: Block;
  readonly resources: Readonly<Record<string, Block>>;
  readonly data: Readonly<Record<string, Block>>;
}

interface DynamicValue {
  readonly msgpack: Buffer;
}

type Request = Readonly<Record<string, DynamicValue>> & {
  readonly type_name: string;
  readonly raw_state?: { readonly json: Buffer };
  readonly private?: Buffer;
};

const schema = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as ProviderSchema;
const nesting: Readonly<Record<string, number>> = { single: 1, list: 2, set: 3 };
let project = 'stub-project';

function wireBlock(block: Block): object {
  return {
    attributes: Object.entries(block.attributes ?? {}).map(([name, { type, ...flags }]) => ({
      name,
      type: Buffer.from(JSON.stringify(type)),
      ...flags,
      // The protocol refuses required attributes that are computed.
      computed: flags.computed === true && flags.required !== true,
    })),
    block_types: Object.entries(block.block_types ?? {}).map(([type_name, nested]) => ({
      type_name,
      block: wireBlock(nested.block),
      nesting: nesting[nested.nesting_mode],
      min_items: nested.min_items ?? 0,
      max_items: nested.max_items ?? 0,
    })),
  };
}

const wireSchemas = (blocks: Readonly<Record<string, Block>>): object =>
  Object.fromEntries(Object.entries(blocks).map(([name, block]) => [name, { version: 0, block: wireBlock(block) }]));

function read(value: DynamicValue | undefined): Value | null {
  return value === undefined || value.msgpack.length === 0 ? null : (decode(value.msgpack) as Value | null);
}

const write = (value: unknown): { msgpack: Buffer } => ({ msgpack: Buffer.from(encode(value)) });

/** Blocks that the cloud filled (a gateway's interfaces) are not in the configuration, and Terraform proposes them empty. */
function keepComputedBlocks(block: Block, proposed: Value, prior: Value): Value {
  const kept = Object.keys(block.block_types ?? {}).flatMap((name) => {
    const [now, then] = [proposed[name], prior[name]];
    return Array.isArray(now) && now.length === 0 && Array.isArray(then) && then.length > 0 ? [[name, then]] : [];
  });
  return { ...proposed, ...(Object.fromEntries(kept) as Value) };
}

type Answer = (request: Request) => object;

const answers: Readonly<Record<string, Answer>> = {
  GetSchema: () => ({
    provider: { version: 0, block: wireBlock(schema.provider) },
    resource_schemas: wireSchemas(schema.resources),
    data_source_schemas: wireSchemas(schema.data),
  }),
  PrepareProviderConfig: (request) => ({ prepared_config: request['config'] }),
  ValidateResourceTypeConfig: () => ({}),
  ValidateDataSourceConfig: () => ({}),
  Configure: (request) => {
    const configured = read(request['config'])?.['project'];
    if (typeof configured === 'string') project = configured;
    return {};
  },
  UpgradeResourceState: ({ raw_state }) => ({
    upgraded_state: write(JSON.parse(raw_state?.json.toString() ?? 'null')),
  }),
  ReadResource: (request) => ({ new_state: request['current_state'], private: request.private }),
  PlanResourceChange: (request) => {
    const proposed = read(request['proposed_new_state']);
    const prior = read(request['prior_state']);
    const state =
      proposed === null || prior !== null
        ? proposed && keepComputedBlocks(schema.resources[request.type_name]!, proposed, prior!)
        : planned(request.type_name, schema.resources[request.type_name]!, proposed);
    return { planned_state: write(state), legacy_type_system: true };
  },
  ApplyResourceChange: (request) => {
    const state = read(request['planned_state']);
    const block = schema.resources[request.type_name]!;
    const result = state === null ? null : applied(request.type_name, block, state, project);
    return { new_state: write(result), legacy_type_system: true };
  },
  ReadDataSource: (request) => {
    const block = schema.data[request.type_name]!;
    const config = planned(request.type_name, block, read(request['config']) ?? {});
    return { state: write(applied(request.type_name, block, config, project)) };
  },
  Stop: () => ({}),
};

const service = (file: string, path: readonly string[]): grpc.ServiceDefinition => {
  const loaded = grpc.loadPackageDefinition(loadSync(join(import.meta.dirname, file), { keepCase: true }));
  const found = path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], loaded);
  return (found as grpc.ServiceClientConstructor).service;
};

const unary = (answer: Answer): grpc.handleUnaryCall<Request, object> => {
  return ({ request }, callback) => {
    try {
      callback(null, answer(request));
    } catch (error) {
      callback({
        code: grpc.status.INTERNAL,
        details: error instanceof Error ? (error.stack ?? error.message) : 'failed',
      });
    }
  };
};

const folder = mkdtempSync(join(tmpdir(), 'stub-provider-'));
const socket = join(folder, 'socket');
const server = new grpc.Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
const end = (): void => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
};
server.addService(
  service('tfplugin5.proto', ['tfplugin5', 'Provider']),
  Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, unary(answer)])),
);
server.addService(service('controller.proto', ['plugin', 'GRPCController']), {
  Shutdown: unary(() => {
    setImmediate(end);
    return {};
  }),
});
process.on('SIGTERM', end);
server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  process.stdout.write(`1|5|unix|${socket}|grpc\n`);
});
