/**
 * The one seam to CDK Terrain: a resource and a data source of any type, typed by the generated bindings. Attribute names are
 * Terraform's own, so what stands in a stack is what stands in the JSON.
 */
import type { TerraformStack } from 'cdktn';
import {
  TerraformDataSource,
  type TerraformMetaArguments,
  TerraformOutput,
  TerraformProvider,
  TerraformResource,
} from 'cdktn';
import { type DataSources, providerVersions, type Resources } from './bindings.gen.ts';

type Attributes = Readonly<Record<string, unknown>>;

/** Meta-arguments of Terraform. `forEach` is an expression whose keys are known at plan time. */
export interface Meta {
  readonly dependsOn?: readonly { readonly address: string }[];
  readonly forEach?: string;
  readonly lifecycle?: {
    readonly prevent_destroy?: true;
    readonly create_before_destroy?: true;
    readonly ignore_changes?: readonly string[] | 'all';
  };
  readonly provider?: string;
}

class AnyResource extends TerraformResource {
  readonly attributes: Attributes;
  constructor(scope: TerraformStack, type: string, id: string, attributes: Attributes) {
    // A construct's id is unique among all types of a stack, a Terraform name among its own type.
    super(scope, `${type}.${id}`, metaArguments(type));
    this.overrideLogicalId(id);
    this.attributes = attributes;
  }
  protected override synthesizeAttributes(): Record<string, unknown> {
    return { ...this.attributes };
  }
}

class AnyDataSource extends TerraformDataSource {
  readonly attributes: Attributes;
  constructor(scope: TerraformStack, type: string, id: string, attributes: Attributes) {
    super(scope, `data.${type}.${id}`, metaArguments(type));
    this.overrideLogicalId(id);
    this.attributes = attributes;
  }
  protected override synthesizeAttributes(): Record<string, unknown> {
    return { ...this.attributes };
  }
}

class AnyProvider extends TerraformProvider {
  readonly attributes: Attributes;
  constructor(scope: TerraformStack, name: keyof typeof providerVersions, attributes: Attributes) {
    const { source, version } = providerVersions[name];
    super(scope, name, {
      terraformResourceType: name,
      terraformGeneratorMetadata: { providerName: name, providerVersion: version, providerVersionConstraint: version },
      terraformProviderSource: source,
    });
    this.attributes = attributes;
  }
  protected override synthesizeAttributes(): Record<string, unknown> {
    return { ...this.attributes };
  }
}

function metaArguments(type: string): TerraformMetaArguments & { terraformResourceType: string } {
  return { terraformResourceType: type };
}

/** A handle on a resource: its address, and typed references to its attributes. */
export interface Handle<Name extends string> {
  readonly address: string;
  /** `${TYPE.ID.NAME}`, with an optional path below it: `ref('vpn_interfaces', '[0].ip_address')`. */
  ref(name: Name, path?: string): `\${${string}}`;
  /** The same without `${}`, for use inside a larger expression. */
  raw(name: Name, path?: string): string;
}

function handle<Name extends string>(address: string): Handle<Name> {
  const raw = (name: Name, path = ''): string => `${address}.${name}${path}`;
  return { address, raw, ref: (name, path) => `\${${raw(name, path)}}` };
}

export function resource<T extends keyof Resources>(
  stack: TerraformStack,
  type: T,
  id: string,
  config: Resources[T]['config'],
  meta: Meta = {},
): Handle<Resources[T]['attributes']> {
  const made = new AnyResource(stack, type, id, config);
  applyMeta(made, meta);
  return handle(`${type}.${id}`);
}

export function dataSource<T extends keyof DataSources>(
  stack: TerraformStack,
  type: T,
  id: string,
  config: DataSources[T]['config'],
): Handle<DataSources[T]['attributes']> {
  void new AnyDataSource(stack, type, id, config);
  return handle(`data.${type}.${id}`);
}

function applyMeta(made: AnyResource, { dependsOn, forEach, lifecycle, provider }: Meta): void {
  if (dependsOn !== undefined)
    made.addOverride(
      'depends_on',
      dependsOn.map(({ address }) => address),
    );
  if (forEach !== undefined) made.addOverride('for_each', forEach);
  if (lifecycle !== undefined) made.addOverride('lifecycle', lifecycle);
  if (provider !== undefined) made.addOverride('provider', provider);
}

export function provider(stack: TerraformStack, name: keyof typeof providerVersions, config: Attributes = {}): void {
  void new AnyProvider(stack, name, config);
}

export function output(stack: TerraformStack, name: string, value: unknown, description: string): void {
  void new TerraformOutput(stack, name, { value, description });
}
