/** CloudFormation's templates, in JSON or in YAML with its short tags. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html */
import { parseDocument, type ScalarTag, type CollectionTag, isScalar, isSeq, isMap } from 'yaml';
import { AwsError } from '../error.ts';

export interface Resource {
  readonly type: string;
  readonly condition: string | undefined;
  readonly dependsOn: readonly string[];
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface Template {
  readonly description: string | undefined;
  readonly parameters: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly mappings: Readonly<Record<string, unknown>>;
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly outputs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const shortForms = [
  'Ref',
  'Condition',
  'GetAtt',
  'GetAZs',
  'Join',
  'Select',
  'Split',
  'Sub',
  'If',
  'Equals',
  'And',
  'Or',
  'Not',
  'Cidr',
  'FindInMap',
  'Base64',
];

/** `!Sub x` is `{Fn::Sub: x}`, for scalars, lists and maps. */
const tags = shortForms.flatMap((name): Array<ScalarTag | CollectionTag> => {
  const long = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`;
  const tag = `!${name}`;
  const dotted = (text: string): unknown => (name === 'GetAtt' ? text.split(/\.(.*)/s).slice(0, 2) : text);
  return [
    { tag, resolve: (text) => ({ [long]: dotted(text) }) },
    { tag, collection: 'seq', resolve: (node) => ({ [long]: isSeq(node) ? node.toJSON() : [] }) },
    { tag, collection: 'map', resolve: (node) => ({ [long]: isMap(node) ? node.toJSON() : {} }) },
  ];
});

export const invalid = (message: string): AwsError => new AwsError('ValidationError', message);

export function readTemplate(text: string): Template {
  const document = parseDocument(text, { customTags: tags, logLevel: 'error' });
  if (document.errors.length > 0 || isScalar(document.contents) || document.contents === null)
    throw invalid(`Template format error: ${document.errors[0]?.message ?? 'it is no object'}`);
  const raw = asMap(document.toJSON());
  const resources = new Map(
    Object.entries(asMap(raw['Resources'])).map(([name, value]): [string, Resource] => {
      const { Type, Condition, DependsOn, Properties } = asMap(value);
      if (typeof Type !== 'string') throw invalid(`Template format error: the resource ${name} has no Type`);
      return [
        name,
        {
          type: Type,
          condition: typeof Condition === 'string' ? Condition : undefined,
          dependsOn: (Array.isArray(DependsOn) ? DependsOn : DependsOn === undefined ? [] : [DependsOn]).map(String),
          properties: asMap(Properties),
        },
      ];
    }),
  );
  if (resources.size === 0) throw invalid('Template format error: At least one Resources member must be defined.');
  const maps = (value: unknown): Record<string, Record<string, unknown>> =>
    Object.fromEntries(Object.entries(asMap(value)).map(([name, inner]) => [name, asMap(inner)]));
  return {
    description: typeof raw['Description'] === 'string' ? raw['Description'] : undefined,
    parameters: maps(raw['Parameters']),
    mappings: asMap(raw['Mappings']),
    conditions: asMap(raw['Conditions']),
    resources,
    outputs: maps(raw['Outputs']),
  };
}

export function asMap(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** A scalar as a template's author wrote it. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** What was given, and the defaults, held against what the template allows. */
export function parameterValues(
  { parameters }: Template,
  given: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  for (const name of given.keys())
    if (!(name in parameters)) throw invalid(`Parameters: [${name}] do not exist in the template`);
  const values: Record<string, string> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = given.get(name) ?? parameter['Default'];
    if (value === undefined) throw invalid(`Parameters: [${name}] must have values`);
    values[name] = asText(value);
    const why = refusal(parameter, values[name]);
    if (why !== undefined)
      throw invalid(
        `Parameter ${name} failed to satisfy constraint: ${asText(parameter['ConstraintDescription'] ?? why)}`,
      );
  }
  return values;
}

function refusal(parameter: Readonly<Record<string, unknown>>, value: string): string | undefined {
  const { Type, AllowedValues, AllowedPattern, MinValue, MaxValue } = parameter;
  if (Type === 'Number' && !Number.isFinite(Number(value))) return 'it is not a number';
  if (Array.isArray(AllowedValues) && !AllowedValues.map(String).includes(value))
    return `Member must satisfy enum value set: [${AllowedValues.join(', ')}]`;
  if (typeof AllowedPattern === 'string' && !new RegExp(`^(?:${AllowedPattern})$`).test(value))
    return `Member must satisfy regular expression pattern: ${AllowedPattern}`;
  if (MinValue !== undefined && Number(value) < Number(MinValue)) return `it is less than ${asText(MinValue)}`;
  if (MaxValue !== undefined && Number(value) > Number(MaxValue)) return `it is more than ${asText(MaxValue)}`;
  return undefined;
}
