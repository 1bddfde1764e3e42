import { parseHost } from '@postern/core';
import { z } from 'zod';
import { apiVersion, carrierFields, daemonFields, destinationField, hostPortField, peerFields } from './common.ts';

const hostsField = z
  .record(z.string(), z.string())
  .transform((record, context) => {
    const hosts = new Map<string, readonly string[]>();
    for (const [name, list] of Object.entries(record)) {
      const host = parseHost(name);
      const addresses = list.split(',').map((address) => parseHost(address.trim()));
      if (host.kind !== 'name')
        context.addIssue({ code: 'custom', path: [name], message: 'the key must be a host name' });
      else if (!addresses.every((address) => address.kind === 'ip'))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `${JSON.stringify(list)} is not an IP address, or several with commas`,
        });
      else
        hosts.set(
          host.name,
          addresses.map((address) => address.ip),
        );
    }
    return hosts;
  })
  .describe('Names and their addresses, instead of DNS.');

/** An upstream DNS server: an address, with port 53 unless given. */
const resolverServer = z.string().transform((text, context) => {
  const bare = parseHost(text);
  if (bare.kind === 'ip') return { ip: bare.ip, port: 53 };
  const parsed = hostPortField().safeParse(text);
  if (parsed.success && parsed.data.host.kind === 'ip') return { ip: parsed.data.host.ip, port: parsed.data.port };
  context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not an IP address or IP:port` });
  return z.NEVER;
});

/** agent.yaml: the customer's side. `allow` is the customer's own list, checked at each open whatever the server says. */
export const agentSchema = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('TunnelAgent'),
  ...peerFields,
  ...daemonFields,
  ...carrierFields,
  allow: z.array(destinationField()).max(10_000),
  resolver: z
    .strictObject({ hosts: hostsField.optional(), servers: z.array(resolverServer).min(1).max(16).optional() })
    .optional(),
  stateFile: z
    .string()
    .min(1)
    .optional()
    .describe('Where a pause is remembered; beside the file as NAME.state unless given.'),
});

export type AgentConfig = z.infer<typeof agentSchema>;
