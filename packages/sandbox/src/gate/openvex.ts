/** OpenVEX 0.2.0 (github.com/openvex/spec): documents and statements, as a waiver quotes them. */
import { z } from 'zod';

export const vexStatuses = ['not_affected', 'affected', 'fixed', 'under_investigation'] as const;

export const vexJustifications = [
  'component_not_present',
  'vulnerable_code_not_present',
  'vulnerable_code_not_in_execute_path',
  'vulnerable_code_cannot_be_controlled_by_adversary',
  'inline_mitigations_already_exist',
] as const;

/** Bounds one statement; production documents name tens of products. */
const itemsMax = 10_000;

const textField = z.string().min(1).max(10_000);

/** Written as an object since 0.2.0; older documents and hand-written ones give the bare name. */
const vulnerabilityField = z.union([
  z
    .string()
    .min(1)
    .transform((name) => ({ name, aliases: [] as string[] })),
  z
    .looseObject({
      '@id': textField.optional(),
      name: textField.optional(),
      aliases: z.array(textField).max(1000).optional(),
    })
    .refine((v) => v.name !== undefined || v['@id'] !== undefined, 'names no vulnerability: give name or @id')
    .transform((v) => ({
      // Where only the IRI is given, its last part is the name: https://nvd.nist.gov/vuln/detail/CVE-2024-1.
      name: v.name ?? v['@id']!.replace(/^.*[/#:]/, ''),
      aliases: v.aliases ?? [],
    })),
]);

const componentObject = z.looseObject({
  '@id': textField.optional(),
  identifiers: z.record(z.string(), textField).optional(),
  hashes: z.record(z.string(), textField).optional(),
});
const componentField = z.union([
  textField.transform((id): z.infer<typeof componentObject> => ({ '@id': id })),
  componentObject,
]);

const productObject = componentObject.extend({ subcomponents: z.array(componentField).max(itemsMax).optional() });
const productField = z.union([
  textField.transform((id): z.infer<typeof productObject> => ({ '@id': id })),
  productObject,
]);

export const vexStatementSchema = z
  .looseObject({
    '@id': textField.optional(),
    vulnerability: vulnerabilityField,
    products: z.array(productField).max(itemsMax).optional(),
    status: z.enum(vexStatuses),
    timestamp: textField.optional(),
    justification: z.enum(vexJustifications).optional(),
    impact_statement: textField.optional(),
    action_statement: textField.optional(),
  })
  .superRefine((statement, context) => {
    if (
      statement.status === 'not_affected' &&
      statement.justification === undefined &&
      statement.impact_statement === undefined
    )
      context.addIssue({
        code: 'custom',
        message: 'not_affected needs a justification or an impact_statement',
        path: ['status'],
      });
    if (statement.status === 'affected' && statement.action_statement === undefined)
      context.addIssue({ code: 'custom', message: 'affected needs an action_statement', path: ['status'] });
  })
  .describe('An OpenVEX 0.2.0 statement.');

export type VexStatement = z.infer<typeof vexStatementSchema>;
export type VexComponent = z.infer<typeof componentField>;
export type VexProduct = z.infer<typeof productField>;

export const vexDocumentSchema = z
  .looseObject({
    '@context': z.string().regex(/^https:\/\/openvex\.dev\/ns/, 'is not an OpenVEX context'),
    '@id': textField,
    author: textField,
    timestamp: textField,
    version: z.union([z.number(), z.string()]),
    statements: z.array(vexStatementSchema).min(1).max(itemsMax),
  })
  .describe('An OpenVEX document.');

export function isVexDocument(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    '@context' in value &&
    typeof value['@context'] === 'string' &&
    value['@context'].includes('openvex')
  );
}
