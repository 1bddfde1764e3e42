/** CloudFormation's functions over a template's values. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html */
import { addressText, network } from '../ec2/ip.ts';
import { asMap, invalid, type Template } from './template.ts';

/** What references mean at this point of the making. */
export interface Scope {
  readonly template: Template;
  readonly parameters: Readonly<Record<string, string>>;
  /** `AWS::Region` and the like. */
  readonly pseudo: Readonly<Record<string, string>>;
  readonly zones: readonly string[];
  /** Of a resource that is made. */
  readonly ref: (logical: string) => string | undefined;
  readonly attribute: (logical: string, name: string) => string | undefined;
}

/** `AWS::NoValue`: what has it is left out. */
const nothing = Symbol('AWS::NoValue');

/** A value with all its functions carried out. */
export function evaluate(value: unknown, scope: Scope): unknown {
  const result = walk(value, scope);
  return result === nothing ? undefined : result;
}

function walk(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((item) => walk(item, scope)).filter((item) => item !== nothing);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [name, argument] = entries[0] ?? ['', undefined];
  if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) return call(name, argument, scope);
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, walk(inner, scope)] as const).filter(([, inner]) => inner !== nothing),
  );
}

function call(name: string, argument: unknown, scope: Scope): unknown {
  const list = (): unknown[] => {
    const value = walk(argument, scope);
    if (!Array.isArray(value)) throw invalid(`Template error: ${name} takes a list`);
    return value;
  };
  switch (name) {
    case 'Ref':
      return reference(String(argument), scope);
    case 'Fn::GetAtt': {
      const [logical, attribute] = list().map(String);
      const found = scope.attribute(logical ?? '', attribute ?? '');
      if (found === undefined) throw invalid(`Template error: resource ${logical} has no attribute ${attribute}`);
      return found;
    }
    case 'Fn::Join': {
      const [separator, items] = list();
      return (Array.isArray(items) ? items : []).map(String).join(String(separator));
    }
    case 'Fn::Split': {
      const [separator, text] = list();
      return String(text).split(String(separator));
    }
    case 'Fn::Select': {
      const [index, items] = list();
      const found: unknown = Array.isArray(items) ? items[Number(index)] : undefined;
      if (found === undefined)
        throw invalid(`Template error: Fn::Select cannot select nonexistent value at index ${String(index)}`);
      return found;
    }
    case 'Fn::If': {
      // The branch that is not taken may name what does not exist.
      const [condition, yes, no] = Array.isArray(argument) ? (argument as unknown[]) : [];
      return walk(holds(String(condition), scope) ? yes : no, scope);
    }
    case 'Fn::GetAZs':
      return [...scope.zones];
    case 'Fn::Cidr': {
      const [block, count, bits] = list();
      return subnets(String(block), Number(count), Number(bits ?? 8));
    }
    case 'Fn::Sub':
      return substitute(argument, scope);
    case 'Fn::FindInMap': {
      const [map, first, second] = list().map(String);
      return asMap(asMap(scope.template.mappings[map ?? ''])[first ?? ''])[second ?? ''];
    }
    case 'Fn::Base64':
      return Buffer.from(String(walk(argument, scope))).toString('base64');
    default:
      return truth({ [name]: argument }, scope);
  }
}

function reference(name: string, scope: Scope): unknown {
  if (name === 'AWS::NoValue') return nothing;
  const found = scope.pseudo[name] ?? scope.parameters[name] ?? scope.ref(name);
  if (found === undefined) throw invalid(`Template format error: Unresolved resource dependencies [${name}]`);
  return found;
}

function substitute(argument: unknown, scope: Scope): string {
  const [text, extra] = Array.isArray(argument) ? [argument[0] as unknown, asMap(argument[1])] : [argument, {}];
  return String(text).replace(/\$\{([^!}][^}]*)\}/g, (_all, name: string) => {
    if (name in extra) return String(walk(extra[name], scope));
    const dot = name.indexOf('.');
    if (dot < 0) return String(reference(name, scope));
    return String(call('Fn::GetAtt', [name.slice(0, dot), name.slice(dot + 1)], scope));
  });
}

/** Whether a condition of the template holds. */
export function holds(name: string, scope: Scope): boolean {
  const condition = scope.template.conditions[name];
  if (condition === undefined) throw invalid(`Template format error: Unresolved condition dependency ${name}`);
  return truth(condition, scope);
}

function truth(condition: unknown, scope: Scope): boolean {
  const [name, argument] = Object.entries(asMap(condition))[0] ?? ['', undefined];
  const all = Array.isArray(argument) ? (argument as unknown[]) : [];
  switch (name) {
    case 'Condition':
      return holds(String(argument), scope);
    case 'Fn::Equals':
      return String(walk(all[0], scope)) === String(walk(all[1], scope));
    case 'Fn::And':
      return all.every((one) => truth(one, scope));
    case 'Fn::Or':
      return all.some((one) => truth(one, scope));
    case 'Fn::Not':
      return !truth(all[0], scope);
    default:
      throw invalid(`Template error: ${name} is not simulated`);
  }
}

function subnets(text: string, count: number, bits: number): string[] {
  const block = network(text, 'Fn::Cidr');
  const size = 2 ** bits;
  if (count * size > block.size)
    throw invalid(`Template error: Fn::Cidr cannot make ${count} blocks of ${bits} host bits from ${text}`);
  return Array.from({ length: count }, (_, i) => `${addressText(block.first + i * size)}/${32 - bits}`);
}

/** The logical names that a value refers to. */
export function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  return Object.entries(asMap(value)).flatMap(([key, inner]) => {
    if (key === 'Ref' && typeof inner === 'string') return [inner];
    if (key === 'Fn::GetAtt' && Array.isArray(inner)) return [String(inner[0])];
    if (key === 'Fn::Sub') {
      const text = String(Array.isArray(inner) ? inner[0] : inner);
      return [...[...text.matchAll(/\$\{([^!}.]+)/g)].map((match) => match[1]!), ...referencesIn(inner)];
    }
    return referencesIn(inner);
  });
}
