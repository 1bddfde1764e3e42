/** The BuildingBlock kind: what is deployed for a tenant, from a chart or from manifests. PURE. */
import { nameField } from '@postern/core';
import { z } from 'zod';

export const buildingBlockSchema = z
  .strictObject({
    apiVersion: z.literal('postern.dev/v1'),
    kind: z.literal('BuildingBlock'),
    metadata: z.looseObject({ name: nameField().max(40) }),
    spec: z
      .strictObject({
        tenant: nameField(),
        namespace: nameField(),
        chart: z
          .string()
          .min(1)
          .max(1000)
          .optional()
          .describe('A Helm chart’s folder, relative to the sandbox’s; needs helm.'),
        manifests: z
          .string()
          .min(1)
          .max(1000)
          .optional()
          .describe('Rendered manifests, a file or folder, relative to the sandbox’s folder.'),
        values: z.array(z.string().min(1).max(1000)).max(20).optional().describe('Values files of the chart.'),
        imageValue: z
          .string()
          .min(1)
          .max(200)
          .optional()
          .describe('The chart’s value that takes the image; image unless stated.'),
        service: z
          .strictObject({
            name: nameField(),
            port: z.number().int().min(1).max(65535).optional(),
            path: z.string().startsWith('/').max(1000).optional(),
          })
          .optional()
          .describe('What `open` forwards to: NAME-service, 8080 and / unless stated.'),
      })
      .refine((spec) => (spec.chart === undefined) !== (spec.manifests === undefined), {
        message: 'needs either a chart or manifests',
        path: ['chart'],
      }),
    status: z.unknown().optional(),
  })
  .describe('A building block: a tenant’s application, as a chart or as manifests.');

export type BuildingBlockDocument = z.infer<typeof buildingBlockSchema>;
export type BuildingBlock = BuildingBlockDocument['spec'] & { readonly name: string };

export function toBuildingBlock({ metadata, spec }: BuildingBlockDocument): BuildingBlock {
  return { ...spec, name: metadata.name };
}
