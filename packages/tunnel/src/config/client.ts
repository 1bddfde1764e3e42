import { z } from 'zod';
import { apiVersion, carrierFields, daemonFields, hostPortField, listenField, peerFields } from './common.ts';

/** client.yaml: the forward proxy beside the product. */
export const clientSchema = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('TunnelClient'),
  ...peerFields,
  ...daemonFields,
  ...carrierFields,
  proxy: z.strictObject({ http: listenField().optional(), socks5: listenField().optional() }).optional(),
  forwards: z
    .array(z.strictObject({ listen: listenField(), to: hostPortField() }))
    .max(1000)
    .prefault([]),
});

export type ClientConfig = z.infer<typeof clientSchema>;
