/**
 * Cuts the providers' schemas down to what the stacks use, into `schemas/*.json` (committed). By hand, after a change of
 * `wanted.ts`:
 *
 *   terraform providers schema -json > aws.json        # in a directory that requires hashicorp/aws at the pinned version
 *   npm pack @cdktf/provider-google@16.12.1 @cdktf/provider-random@12.0.1   # unpack each; they stay outside the repository
 *   node tools/run.mjs tools/bindings/extract.ts aws=aws.json google=google/package/.jsii random=random/package/.jsii
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Assembly, blockOf, findClass } from './jsii.ts';
import type { Block, ProviderSchema } from './schema.ts';
import { type Wanted, wanted } from './wanted.ts';

interface TerraformSchemas {
  readonly provider_schemas: Readonly<
    Record<
      string,
      {
        readonly provider: { readonly block: Block };
        readonly resource_schemas: Readonly<Record<string, { readonly block: Block }>>;
        readonly data_source_schemas: Readonly<Record<string, { readonly block: Block }>>;
      }
    >
  >;
}

for (const argument of process.argv.slice(2)) {
  const [name, file] = argument.split('=') as [string, string];
  const want = wanted[name];
  if (want === undefined) throw new Error(`unknown provider ${name}`);
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const schema = file.endsWith('.jsii') ? fromJsii(want, parsed as Assembly) : fromTerraform(want, parsed);
  const target = join(import.meta.dirname, 'schemas', `${name}.json`);
  writeFileSync(target, compact(schema));
  process.stderr.write(`${target}\n`);
}

function fromTerraform(want: Wanted, parsed: unknown): ProviderSchema {
  const provider = (parsed as TerraformSchemas).provider_schemas[`registry.terraform.io/${want.source}`];
  if (provider === undefined) throw new Error(`no schema of ${want.source}`);
  const pick = (names: readonly string[], from: Readonly<Record<string, { readonly block: Block }>>) =>
    Object.fromEntries(names.map((name) => [name, pruned(found(name, from[name]).block)]));
  return {
    source: want.source,
    version: want.version,
    provider: pruned(provider.provider.block),
    resources: pick(want.resources, provider.resource_schemas),
    data: pick(want.data, provider.data_source_schemas),
  };
}

function fromJsii(want: Wanted, assembly: Assembly): ProviderSchema {
  const pick = (names: readonly string[], base: string) =>
    Object.fromEntries(names.map((name) => [name, blockOf(assembly, found(name, findClass(assembly, base, name)))]));
  const { id: _, ...attributes } = blockOf(
    assembly,
    found('provider', findClass(assembly, 'cdktf.TerraformProvider', '')),
  ).attributes!;
  return {
    source: want.source,
    version: want.version,
    provider: { attributes },
    resources: pick(want.resources, 'cdktf.TerraformResource'),
    data: pick(want.data, 'cdktf.TerraformDataSource'),
  };
}

function found<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`the schema has no ${name}`);
  return value;
}

/** Without descriptions: they are the bulk, and not ours. */
function pruned(block: Block): Block {
  const attributes = Object.entries(block.attributes ?? {}).map(
    ([name, { type, required, optional, computed, sensitive }]) => [
      name,
      {
        type,
        ...(required === true && { required }),
        ...(optional === true && { optional }),
        ...(computed === true && { computed }),
        ...(sensitive === true && { sensitive }),
      },
    ],
  );
  const blocks = Object.entries(block.block_types ?? {}).map(
    ([name, { nesting_mode, min_items, max_items, block }]) => [
      name,
      {
        nesting_mode,
        ...(min_items !== undefined && { min_items }),
        ...(max_items !== undefined && { max_items }),
        block: pruned(block),
      },
    ],
  );
  return { attributes: Object.fromEntries(attributes), block_types: Object.fromEntries(blocks) };
}

/** One line a resource, so that a diff shows which one changed. */
function compact(schema: ProviderSchema): string {
  const group = (blocks: Readonly<Record<string, Block>>) =>
    Object.entries(blocks)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, block]) => `    ${JSON.stringify(name)}: ${JSON.stringify(block)}`)
      .join(',\n');
  return `{
  "source": ${JSON.stringify(schema.source)},
  "version": ${JSON.stringify(schema.version)},
  "provider": ${JSON.stringify(schema.provider)},
  "resources": {
${group(schema.resources)}
  },
  "data": {
${group(schema.data)}
  }
}
`;
}
