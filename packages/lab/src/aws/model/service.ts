/**
 * The services' own models, read from the schemas that the AWS SDK ships: names on the wire, types, required members, HTTP
 * bindings. Requests are read and responses written by them, so that what the simulator says is what the SDK expects, and a
 * member that no model has cannot leave it.
 */
import { NormalizedSchema } from '@smithy/core/schema';

export type Protocol = 'ec2' | 'query' | 'rest-xml' | 'json' | 'rest-json';

export interface OperationModel {
  readonly name: string;
  readonly input: NormalizedSchema;
  readonly output: NormalizedSchema;
  /** Method, path template and success status of the REST protocols. */
  readonly http: readonly [method: string, path: string, status: number] | undefined;
}

export interface ServiceModel {
  /** The name in the signature's scope, in IAM actions and in ARNs. */
  readonly name: string;
  readonly protocol: Protocol;
  /** XML namespace of the responses. */
  readonly namespace: string;
  readonly operations: ReadonlyMap<string, OperationModel>;
}

type Ref = Parameters<typeof NormalizedSchema.of>[0];
/** An operation as the SDK exports it: [9, namespace, name, traits, input, output]. */
type RawOperation = readonly [9, string, string, { readonly http?: [string, string, number] } | number, Ref, Ref];

interface Described {
  readonly protocol: Protocol;
  readonly namespace: string;
  readonly load: () => Promise<Record<string, unknown>>;
}

const described: Readonly<Record<string, Described>> = {
  ec2: {
    protocol: 'ec2',
    namespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
    load: () => import('@aws-sdk/client-ec2'),
  },
  elasticloadbalancing: {
    protocol: 'query',
    namespace: 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/',
    load: () => import('@aws-sdk/client-elastic-load-balancing-v2'),
  },
  route53: {
    protocol: 'rest-xml',
    namespace: 'https://route53.amazonaws.com/doc/2013-04-01/',
    load: () => import('@aws-sdk/client-route-53'),
  },
  sts: {
    protocol: 'query',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    load: () => import('@aws-sdk/client-sts'),
  },
  cloudformation: {
    protocol: 'query',
    namespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
    load: () => import('@aws-sdk/client-cloudformation'),
  },
  iam: {
    protocol: 'query',
    namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
    load: () => import('@aws-sdk/client-iam'),
  },
  ecr: { protocol: 'json', namespace: '', load: () => import('@aws-sdk/client-ecr') },
  eks: { protocol: 'rest-json', namespace: '', load: () => import('@aws-sdk/client-eks') },
};

export const serviceNames: readonly string[] = Object.keys(described);

const loaded = new Map<string, Promise<ServiceModel>>();

/** The model of a service by the name in the signature's scope; undefined for a service that is not simulated. */
export function serviceModel(name: string): Promise<ServiceModel> | undefined {
  const known = described[name];
  if (known === undefined) return undefined;
  let model = loaded.get(name);
  if (model === undefined) {
    model = known
      .load()
      .then((sdk) => ({ name, protocol: known.protocol, namespace: known.namespace, operations: operationsOf(sdk) }));
    loaded.set(name, model);
  }
  return model;
}

function operationsOf(sdk: Record<string, unknown>): Map<string, OperationModel> {
  const operations = new Map<string, OperationModel>();
  for (const value of Object.values(sdk)) {
    if (!Array.isArray(value) || value[0] !== 9) continue;
    const [, , name, traits, input, output] = value as unknown as RawOperation;
    operations.set(name, {
      name,
      input: NormalizedSchema.of(input),
      output: NormalizedSchema.of(output),
      http: typeof traits === 'object' ? traits.http : undefined,
    });
  }
  return operations;
}

/** The names of a structure's required members: the SDK's schemas put them first and say how many they are. */
export function requiredMembers(structure: NormalizedSchema): readonly string[] {
  const raw = structure.getSchema() as unknown as readonly unknown[];
  const names = Array.isArray(raw) && Array.isArray(raw[4]) ? (raw[4] as string[]) : [];
  return names.slice(0, typeof raw[6] === 'number' ? raw[6] : 0);
}
