/** Holds recorded answers against botocore's service models: every element must be one of the output shape, of its type and enum. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { XMLParser } from 'fast-xml-parser';
import { needThat } from '@postern/testing';
import type { Recorded } from './recorder.ts';

interface Member {
  readonly shape: string;
  readonly locationName?: string;
  readonly location?: string;
}

interface Shape {
  readonly type: string;
  readonly members?: Readonly<Record<string, Member>>;
  readonly member?: Member;
  readonly flattened?: boolean;
  readonly enum?: readonly string[];
}

interface Model {
  readonly metadata: { readonly protocol: string };
  readonly operations: Readonly<
    Record<
      string,
      {
        readonly http: { readonly method: string; readonly requestUri: string };
        readonly output?: { readonly shape: string; readonly resultWrapper?: string };
      }
    >
  >;
  readonly shapes: Readonly<Record<string, Shape>>;
}

const paths: Readonly<Record<string, string>> = {
  cloudformation: 'cloudformation/2010-05-15',
  ec2: 'ec2/2016-11-15',
  elasticloadbalancing: 'elbv2/2015-12-01',
  route53: 'route53/2013-04-01',
  sts: 'sts/2011-06-15',
  iam: 'iam/2010-05-08',
  ecr: 'ecr/2015-09-21',
  eks: 'eks/2017-11-01',
};

const folder = findBotocore();
export const needBotocore = needThat("botocore's service models (python3 with boto3)", folder !== undefined);

function findBotocore(): string | undefined {
  try {
    const found = execFileSync('python3', ['-c', 'import botocore, os; print(os.path.dirname(botocore.__file__))'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const data = join(found.toString().trim(), 'data');
    return existsSync(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

const models = new Map<string, Model>();

function modelOf(service: string): Model {
  let model = models.get(service);
  if (model === undefined) {
    const base = join(folder!, paths[service] ?? service, 'service-2.json');
    const text = existsSync(base) ? readFileSync(base) : gunzipSync(readFileSync(`${base}.gz`));
    models.set(service, (model = JSON.parse(text.toString()) as Model));
  }
  return model;
}

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, ignoreDeclaration: true });

/** What in an answer its model does not know; empty when it fits. */
export function misfits(one: Recorded): string[] {
  const model = modelOf(one.service);
  const found = Object.entries(model.operations).find(([name, { http }]) =>
    one.action === '' ? http.method === one.method && uri(http.requestUri).test(one.path) : name === one.action,
  );
  if (found === undefined) return [`no operation of ${one.service}: ${one.action || `${one.method} ${one.path}`}`];
  const [name, { output }] = found;
  const shape = output === undefined ? undefined : model.shapes[output.shape];
  if (model.metadata.protocol === 'json' || model.metadata.protocol === 'rest-json')
    return shape === undefined ? [] : checkJson(model, shape, JSON.parse(one.body) as unknown, name);
  const root = (parser.parse(one.body) as Record<string, Record<string, unknown>>)[`${name}Response`];
  if (root === undefined) return [`${name}: the root is no ${name}Response`];
  const body =
    output?.resultWrapper === undefined ? root : ((root[output.resultWrapper] ?? {}) as Record<string, unknown>);
  const { requestId: _id, ResponseMetadata: _metadata, ...members } = body;
  if (shape === undefined)
    return Object.keys(members)
      .filter((key) => key !== 'return' && key !== '#text')
      .map((key) => `${name}.${key}`);
  return checkXml(model, shape, members, name);
}

const uri = (template: string): RegExp =>
  new RegExp(
    `^${template
      .split('?')[0]!
      .replace(/\/$/, '')
      .replaceAll(/\{[^}]+\}/g, '[^/]+')}/?$`,
  );

function checkXml(model: Model, shape: Shape, node: unknown, path: string): string[] {
  switch (shape.type) {
    case 'structure': {
      if (node === '') return [];
      if (typeof node !== 'object' || node === null) return [`${path} is no structure`];
      const byTag = new Map(
        Object.entries(shape.members ?? {}).map(([name, member]) => [tagOf(model, name, member), member]),
      );
      return Object.entries(node).flatMap(([tag, child]) => {
        const member = byTag.get(tag);
        return member === undefined
          ? [`${path}.${tag} is not in the model`]
          : checkXml(model, model.shapes[member.shape]!, child, `${path}.${tag}`);
      });
    }
    case 'list': {
      const element = model.shapes[shape.member!.shape]!;
      const tag = shape.member!.locationName ?? 'member';
      if (node === '') return [];
      const items = shape.flattened === true ? node : (node as Record<string, unknown>)[tag];
      if (items === undefined) return [`${path} has no <${tag}>`];
      return (Array.isArray(items) ? items : [items]).flatMap((item, i) =>
        checkXml(model, element, item, `${path}[${i}]`),
      );
    }
    case 'map':
      return [];
    default:
      return checkScalar(shape, String(node), path);
  }
}

/** A flattened list carries its own name; others the member's. */
function tagOf(model: Model, name: string, member: Member): string {
  const shape = model.shapes[member.shape]!;
  return (shape.flattened === true ? (shape.member?.locationName ?? member.locationName) : member.locationName) ?? name;
}

function checkJson(model: Model, shape: Shape, value: unknown, path: string): string[] {
  if (shape.type === 'structure') {
    if (typeof value !== 'object' || value === null) return [`${path} is no object`];
    return Object.entries(value).flatMap(([key, child]) => {
      const member = Object.entries(shape.members ?? {}).find(([name, one]) => (one.locationName ?? name) === key)?.[1];
      return member === undefined
        ? [`${path}.${key} is not in the model`]
        : checkJson(model, model.shapes[member.shape]!, child, `${path}.${key}`);
    });
  }
  if (shape.type === 'list')
    return Array.isArray(value)
      ? value.flatMap((item, i) => checkJson(model, model.shapes[shape.member!.shape]!, item, `${path}[${i}]`))
      : [`${path} is no list`];
  if (shape.type === 'map') return typeof value === 'object' ? [] : [`${path} is no map`];
  if (shape.type === 'string' || shape.type === 'blob')
    return typeof value === 'string' ? checkScalar(shape, value, path) : [`${path} is no string`];
  if (shape.type === 'boolean') return typeof value === 'boolean' ? [] : [`${path} is no boolean`];
  return typeof value === 'number' ? [] : [`${path} is no number`];
}

function checkScalar(shape: Shape, text: string, path: string): string[] {
  if (shape.type === 'boolean') return /^(true|false)$/.test(text) ? [] : [`${path} is no boolean: ${text}`];
  if (/^(integer|long|float|double)$/.test(shape.type))
    return Number.isFinite(Number(text)) ? [] : [`${path} is no number: ${text}`];
  if (shape.type === 'timestamp') return Number.isNaN(Date.parse(text)) ? [`${path} is no time: ${text}`] : [];
  // AWS itself writes states in another case than its models have them: `available` for Available.
  const known =
    shape.enum === undefined ||
    shape.enum.some((value) => value.toLowerCase() === text.toLowerCase()) ||
    tolerated.has(text);
  return known ? [] : [`${path} is ${text}, not one of ${shape.enum?.join(', ')}`];
}

/** What AWS answers although its model does not list it: an attached internet gateway is `available`. */
const tolerated: ReadonlySet<string> = new Set(['available']);
