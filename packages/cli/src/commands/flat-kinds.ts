import type { Kind } from '@postern/resources';

/** The daemons' own configuration files as kinds: their packages ship to customers and know no registry of kinds. */
export async function flatKinds(): Promise<readonly Kind[]> {
  const [{ agentSchema, clientSchema, serverSchema }, { policySchema }, { configSchema }] = await Promise.all([
    import('@postern/tunnel/config'),
    import('@postern/tunnel/policy'),
    import('@postern/dns'),
  ]);
  const apiVersion = 'postern.dev/v1';
  return [
    { apiVersion, kind: 'TunnelServer', description: 'The tunnel’s broker (server.yaml)', schema: serverSchema },
    {
      apiVersion,
      kind: 'TunnelPolicy',
      description: 'Who may reach what through it (policy.yaml)',
      schema: policySchema,
    },
    { apiVersion, kind: 'TunnelAgent', description: 'The customer’s side (agent.yaml)', schema: agentSchema },
    {
      apiVersion,
      kind: 'TunnelClient',
      description: 'The product’s forward proxy (client.yaml)',
      schema: clientSchema,
    },
    { apiVersion, kind: 'DNSProxy', description: 'The pod’s resolver (dns-proxy.yaml)', schema: configSchema },
  ];
}
