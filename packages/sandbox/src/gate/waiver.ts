/** Waivers: an OpenVEX statement plus who owns, approved and why, where it holds and until when. Text in, waivers or diagnostics out. */
import { ConfigError, type Diagnostic, type ParsedDocument, checkDocument, nameField, parseYaml } from '@postern/core';
import { z } from 'zod';
import { isObject } from './json.ts';
import { type VexStatement, isVexDocument, vexDocumentSchema, vexStatementSchema } from './openvex.ts';

/** A page of prose: longer belongs behind a link. */
const proseCharsMax = 10_000;

const personField = z.string().trim().min(1).max(254).describe('Who: an e-mail address or a login.');

/** `2027-01-31` or `2027-01-31T12:00:00Z`; a bare day ends as it begins, in UTC. */
export const momentField = z
  .string()
  .transform((text, context) => {
    const iso = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
    const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(iso) ? Date.parse(iso) : Number.NaN;
    if (!Number.isNaN(ms)) return ms;
    context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is no moment such as 2027-01-31T12:00:00Z` });
    return z.NEVER;
  })
  .describe('A moment: 2027-01-31 or 2027-01-31T12:00:00Z.');

const referencesField = z.array(z.string().min(1).max(1000)).min(1).max(1000);

const scopeField = z.union([
  z
    .string()
    .min(1)
    .max(1000)
    .transform((image) => ({ images: [image] })),
  z
    .strictObject({
      images: referencesField.optional().describe('name, name@sha256:... or sha256:...'),
      packages: referencesField.optional().describe('Package URLs; without a version any version.'),
      environments: referencesField.optional().describe('Names of sandboxes; elsewhere the waiver does not hold.'),
    })
    .refine((scope) => Object.keys(scope).length > 0, 'names nothing: give images, packages or environments'),
]);

export const waiverSpecSchema = z
  .strictObject({
    statement: vexStatementSchema,
    owner: personField.describe('Who answers for the analysis.'),
    approver: personField.describe('Who accepted it; not the owner.'),
    reason: z.string().trim().min(1).max(proseCharsMax),
    scope: scopeField,
    expiry: momentField.describe('From this moment on the waiver no longer holds.'),
    created: momentField.optional().describe('Before this moment the waiver does not hold yet.'),
    scoreMax: z
      .number()
      .min(0)
      .max(10)
      .optional()
      .describe('The score when it was approved; a higher one lapses the waiver.'),
    evidence: z.array(z.string().min(1).max(2000)).max(100).optional().describe('Links to the analysis.'),
  })
  .refine(
    (spec) =>
      (spec.statement.products?.length ?? 0) > 0 ||
      ('images' in spec.scope && spec.scope.images !== undefined) ||
      ('packages' in spec.scope && spec.scope.packages !== undefined),
    { message: 'covers every image: name a product in the statement, or images or packages here', path: ['scope'] },
  );

export const waiverSchema = z
  .strictObject({
    apiVersion: z.literal('postern.dev/v1'),
    kind: z.literal('Waiver'),
    metadata: z.looseObject({ name: nameField() }),
    spec: waiverSpecSchema,
    status: z.unknown().optional(),
  })
  .describe('An analysed finding: an OpenVEX statement plus owner, approver, reason, scope and expiry.');

export interface Waiver {
  readonly name: string;
  readonly statement: VexStatement;
  /** Absent for a statement of a bare OpenVEX document: the format knows no owner, approver or expiry. */
  readonly approval?: {
    readonly owner: string;
    readonly approver: string;
    readonly reason: string;
    readonly expiryMs: number;
    readonly createdMs?: number;
    readonly scoreMax?: number;
  };
  readonly scope: {
    readonly images?: readonly string[];
    readonly packages?: readonly string[];
    readonly environments?: readonly string[];
  };
}

/** Reads a file of waivers: Waiver documents (YAML stream, JSON, a list of them) or an OpenVEX document. All problems at once. */
export function readWaivers(file: string, text: string): Waiver[] {
  return readJson(text) ?? readYaml(file, text);
}

/** A thousand waivers as JSON are read twenty times faster without positions, which only a problem needs. */
function readJson(text: string): Waiver[] | undefined {
  if (!/^\uFEFF?\s*[[{]/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
  const items = Array.isArray(value)
    ? value
    : isObject(value) && Array.isArray(value['items'])
      ? value['items']
      : [value];
  const checked = items.map((item) => waiverSchema.safeParse(item));
  if (!checked.every((one) => one.success) || checked.length === 0) return undefined;
  const waivers = checked.map((one) => fromDocument(one.data));
  return new Set(waivers.map((one) => one.name)).size === waivers.length ? waivers : undefined;
}

function readYaml(file: string, text: string): Waiver[] {
  const { documents, diagnostics } = parseYaml(file, text.replace(/^\uFEFF/, ''));
  const problems: Diagnostic[] = [...diagnostics];
  const waivers: Waiver[] = [];
  for (const document of documents) {
    const value = document.value;
    if (isVexDocument(value))
      waivers.push(
        ...check(document, vexDocumentSchema, problems).flatMap((d) =>
          d.statements.map((s, i) => ({ name: `${d['@id']}#${i}`, statement: s, scope: {} })),
        ),
      );
    else if (Array.isArray(value))
      waivers.push(...check(document, z.array(waiverSchema), problems).flat().map(fromDocument));
    else if (isObject(value) && Array.isArray(value['items']))
      waivers.push(
        ...check(document, z.looseObject({ items: z.array(waiverSchema) }), problems).flatMap((d) =>
          d.items.map(fromDocument),
        ),
      );
    else waivers.push(...check(document, waiverSchema, problems).map(fromDocument));
  }
  const names = new Set<string>();
  for (const { name } of waivers) {
    if (names.has(name))
      problems.push({
        severity: 'error',
        file,
        line: 1,
        col: 1,
        path: '',
        message: `two waivers are named ${JSON.stringify(name)}`,
      });
    names.add(name);
  }
  if (documents.length === 0 && problems.length === 0)
    problems.push({ severity: 'error', file, line: 1, col: 1, path: '', message: 'holds no waiver' });
  if (problems.length > 0) throw new ConfigError(problems);
  return waivers;
}

function check<T>(document: ParsedDocument, schema: z.ZodType<T>, problems: Diagnostic[]): T[] {
  const checked = checkDocument(document, schema);
  if (checked.ok) return [checked.value];
  problems.push(...checked.diagnostics);
  return [];
}

export function fromDocument(document: z.infer<typeof waiverSchema>): Waiver {
  const { statement, scope, owner, approver, reason, expiry, created, scoreMax } = document.spec;
  return {
    name: document.metadata.name,
    statement,
    approval: {
      owner,
      approver,
      reason,
      expiryMs: expiry,
      ...(created === undefined ? {} : { createdMs: created }),
      ...(scoreMax === undefined ? {} : { scoreMax }),
    },
    scope: Object.fromEntries(Object.entries(scope).filter(([, value]) => value !== undefined)),
  };
}
