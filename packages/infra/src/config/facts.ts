/**
 * What the cross-field checks look at, read from a document that may be wrong elsewhere: every problem is reported at once, so
 * a misspelt region must not hide two overlapping ranges. What is not of its type is undefined here; the schema says why.
 */
import { parseHost } from '@postern/core';
import { valueAt } from './spellings.ts';

export interface Facts {
  readonly nodeCIDRs: ReadonlyArray<string | undefined> | undefined;
  readonly podCIDRs: ReadonlyArray<string | undefined>;
  readonly host: { readonly enabled: boolean; readonly hasAws: boolean };
  readonly aws: {
    readonly region: string | undefined;
    readonly vpcCIDR: string | undefined;
    readonly links: ReadonlyArray<{
      readonly endpoint: string | undefined;
      readonly ports: ReadonlyArray<number | undefined>;
    }>;
  };
  readonly vpn: {
    readonly gcpASN: number;
    readonly awsASN: number;
    readonly advertise: ReadonlyArray<string | undefined>;
  };
  readonly routes: ReadonlyArray<{ readonly source: string | undefined; readonly destination: string | undefined }>;
  readonly connect: {
    readonly agents: ReadonlyArray<string | undefined>;
    readonly rules: ReadonlyArray<{
      readonly name: string | undefined;
      readonly agents: ReadonlyArray<string | undefined>;
    }>;
  };
}

export function factsOf(document: unknown): Facts {
  const at = (...path: PropertyKey[]): unknown => valueAt(document, ['spec', 'infrastructure', ...path]);
  const nodes = at('gcp', 'nodeCIDRs');
  return {
    nodeCIDRs: nodes === undefined ? undefined : list(nodes, text),
    podCIDRs: list(at('gcp', 'podCIDRs'), text),
    host: { enabled: at('privateCodeHost', 'enabled') === true, hasAws: at('privateCodeHost', 'aws') !== undefined },
    aws: {
      region: text(at('privateCodeHost', 'aws', 'region')),
      vpcCIDR: text(at('privateCodeHost', 'aws', 'vpcCIDR')),
      links: list(at('privateCodeHost', 'aws', 'privateLinks'), (link) => ({
        endpoint: text(valueAt(link, ['endpoint'])),
        ports: list(valueAt(link, ['ports']), number),
      })),
    },
    vpn: {
      gcpASN: number(at('vpn', 'gcpASN')) ?? 64514,
      awsASN: number(at('vpn', 'awsASN')) ?? 64512,
      advertise: list(at('vpn', 'advertise'), text),
    },
    routes: list(at('privateDNS', 'routes'), (route) => ({
      source: name(valueAt(route, ['source'])),
      destination: name(valueAt(route, ['destination'])),
    })),
    connect: {
      agents: list(at('connect', 'agents'), text),
      rules: list(at('connect', 'rules'), (rule) => ({
        name: text(valueAt(rule, ['name'])),
        agents: list(valueAt(rule, ['agents']), text),
      })),
    },
  };
}

function list<T>(value: unknown, read: (item: unknown) => T): T[] {
  return Array.isArray(value) ? value.map(read) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** Canonical, as the schema makes it: two spellings of one name are one name. */
function name(value: unknown): string | undefined {
  const host = parseHost(text(value) ?? '');
  return host.kind === 'name' ? host.name : undefined;
}
