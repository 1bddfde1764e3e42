import { cidrField, durationField, hostField, listenField } from '@postern/core';
import { z } from 'zod';
import { apiVersion, carrierFields, daemonFields } from './common.ts';

const second = 1000;
const day = 86_400_000;

/**
 * server.yaml: the broker. The schema lives with its siblings so that one place knows all files of the tunnel; it needs nothing
 * that the agent does not ship anyway.
 */
export const serverSchema = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('TunnelServer'),
  listen: listenField(),
  ...daemonFields,
  serverName: hostField().describe("The name in the server's certificate."),
  dataDir: z.string().min(1).describe('Embedded CA, issued certificates, audit log (SQLite).'),
  policyFile: z.string().min(1),
  sourceRanges: z.array(cidrField()).max(10_000).prefault([]).describe('Networks that may connect; empty: any.'),
  certificates: z
    .strictObject({
      lifetime: durationField({
        minMs: 2 * second,
        maxMs: 90 * day,
        description: 'Lifetime of agent and client certificates.',
      }).prefault('24h'),
    })
    .prefault({}),
  audit: z
    .strictObject({
      retention: durationField({
        minMs: second,
        maxMs: 3650 * day,
        description: 'How long audit records are kept.',
      }).prefault('720h'),
    })
    .prefault({}),
  ...carrierFields,
});

export type ServerConfig = z.infer<typeof serverSchema>;
