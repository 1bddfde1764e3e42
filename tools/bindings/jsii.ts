/**
 * Reads a provider's schema out of the `.jsii` file of its prebuilt CDK package, for providers whose binary is not at hand.
 * What such a file does not know (sensitive, set versus list, enum and conflict rules) stays unknown.
 */
import type { Attribute, Block, NestedBlock, TerraformType } from './schema.ts';

interface JsiiType {
  readonly primitive?: string;
  readonly fqn?: string;
  readonly collection?: { readonly kind: 'array' | 'map'; readonly elementtype: JsiiType };
  readonly union?: { readonly types: readonly JsiiType[] };
}

interface JsiiProperty {
  readonly name: string;
  readonly type: JsiiType;
  readonly optional?: boolean;
  readonly static?: boolean;
  readonly docs?: { readonly remarks?: string; readonly summary?: string };
}

interface JsiiEntry {
  readonly base?: string;
  readonly fqn: string;
  readonly kind: string;
  readonly docs?: { readonly summary?: string };
  readonly properties?: readonly JsiiProperty[];
  readonly methods?: ReadonlyArray<{ readonly name: string; readonly returns?: { readonly type: JsiiType } }>;
}

export interface Assembly {
  readonly types: Readonly<Record<string, JsiiEntry>>;
}

const metaArguments = new Set(['connection', 'count', 'dependsOn', 'forEach', 'lifecycle', 'provider', 'provisioners']);
const primitives: Readonly<Record<string, TerraformType>> = { string: 'string', number: 'number', boolean: 'bool' };

/** Every resource (`kind` resource), data source or the provider block itself, by Terraform name. */
export function findClass(assembly: Assembly, base: string, name: string): JsiiEntry | undefined {
  const page = base === 'cdktf.TerraformDataSource' ? 'data-sources' : 'resources';
  return Object.values(assembly.types).find(
    (entry) =>
      entry.base === base &&
      (base === 'cdktf.TerraformProvider' ||
        new RegExp(`/docs/${page}/\\S+ ${name}\\}`).test(entry.docs?.summary ?? '')),
  );
}

/** A class and its `<Class>Config` interface as one block. */
export function blockOf(assembly: Assembly, entry: JsiiEntry): Block {
  const config = assembly.types[`${entry.fqn}Config`];
  const block = withComputed(assembly, structBlock(assembly, config?.properties ?? []), entry);
  const id: Attribute = block.attributes?.['id'] ?? { type: 'string', computed: true };
  return { ...block, attributes: sorted({ ...block.attributes, id }) };
}

/**
 * Adds what only the provider sets: the getters that are no arguments. An argument has a getter too, so whether the provider
 * fills an optional one by itself is unknown here; taking it as "optional and computed" accepts either.
 */
function withComputed(assembly: Assembly, block: Block, entry: JsiiEntry): Block {
  const attributes: Record<string, Attribute> = { ...block.attributes };
  for (const property of computedProperties(entry)) {
    const name = snake(property.name);
    const argument = attributes[name];
    if (argument?.optional === true) attributes[name] = { ...argument, computed: true };
    else if (argument === undefined && block.block_types?.[name] === undefined)
      attributes[name] = { type: outputType(assembly, property.type), computed: true };
  }
  return { attributes: sorted(attributes), block_types: block.block_types ?? {} };
}

function computedProperties(entry: JsiiEntry): readonly JsiiProperty[] {
  return (entry.properties ?? []).filter(
    (property) =>
      property.static !== true && !property.name.endsWith('Input') && !['internalValue', 'fqn'].includes(property.name),
  );
}

function structBlock(assembly: Assembly, properties: readonly JsiiProperty[]): Block {
  const attributes: Record<string, Attribute> = {};
  const blocks: Record<string, NestedBlock> = {};
  for (const property of properties.filter((p) => !metaArguments.has(p.name))) {
    const name = documentedName(property);
    const struct = structOf(assembly, property.type);
    if (struct !== undefined) {
      const fields = structBlock(assembly, struct.entry.properties ?? []);
      const reference = assembly.types[`${struct.entry.fqn}OutputReference`];
      const block = reference === undefined || name === 'timeouts' ? fields : withComputed(assembly, fields, reference);
      blocks[name] =
        name === 'timeouts'
          ? { nesting_mode: 'single', block }
          : {
              nesting_mode: 'list',
              ...(property.optional === true ? {} : { min_items: 1 }),
              ...(struct.many ? {} : { max_items: 1 }),
              block,
            };
    } else {
      attributes[name] = {
        type: inputType(property.type),
        ...(property.optional === true ? { optional: true } : { required: true }),
      };
    }
  }
  return { attributes: sorted(attributes), block_types: sorted(blocks) };
}

/** The exact attribute name stands in the documentation link's anchor. */
function documentedName(property: JsiiProperty): string {
  const link = /#(\w+)\s/.exec(property.docs?.remarks?.match(/Docs at Terraform Registry.*/)?.[0] ?? '');
  return link?.[1] ?? /#(\w+)\s/.exec(property.docs?.summary ?? '')?.[1] ?? snake(property.name);
}

function structOf(assembly: Assembly, type: JsiiType): { entry: JsiiEntry; many: boolean } | undefined {
  const options = type.union?.types ?? [type];
  for (const option of options) {
    const many = option.collection?.kind === 'array';
    const fqn = many ? option.collection?.elementtype.fqn : option.fqn;
    const entry = fqn === undefined ? undefined : assembly.types[fqn];
    if (entry?.kind === 'interface') return { entry, many };
  }
  return undefined;
}

function inputType(type: JsiiType): TerraformType {
  const plain = type.union?.types.find((option) => option.primitive !== undefined || option.collection !== undefined);
  const { primitive, collection } = plain ?? type;
  if (collection !== undefined)
    return [collection.kind === 'array' ? 'list' : 'map', inputType(collection.elementtype)];
  return primitives[primitive ?? 'string'] ?? 'string';
}

/** Computed values: `StringMap`, lists, and lists of objects through their `...OutputReference` classes. */
function outputType(assembly: Assembly, type: JsiiType): TerraformType {
  if (type.fqn === undefined) return inputType(type);
  if (/^cdktf\.(String|Number|Boolean)?Map$/.test(type.fqn)) return ['map', 'string'];
  if (type.fqn.startsWith('cdktf.')) return type.fqn === 'cdktf.IResolvable' ? 'bool' : 'string';
  const reference = assembly.types[type.fqn.replace(/List$/, 'OutputReference')];
  if (reference === undefined) return 'string';
  const fields = computedProperties(reference).map(
    (property) => [snake(property.name), outputType(assembly, property.type)] as const,
  );
  return ['list', ['object', Object.fromEntries(fields)]];
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/([a-z])(\d+)(?=_|$)/g, '$1$2');
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
