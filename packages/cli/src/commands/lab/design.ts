import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { formatDiagnostic, UsageError, type VpnDesign } from '@postern/core';

/** What the VPN lab rehearses: the generated stacks beside config.yaml where they are there, else what would be generated. */
export async function vpnDesign(config: string): Promise<{ design: VpnDesign; notes: string[] }> {
  const { loadInstance, readVpn, synthesize } = await import('@postern/infra');
  const { labAnswers } = await import('@postern/lab/vpn');
  const dir = basename(config) === 'config.yaml' ? dirname(config) : config;
  const { instance, diagnostics } = loadInstance(dir);
  const notes = diagnostics.map(formatDiagnostic);
  if (instance.aws === undefined)
    throw new UsageError(`${join(dir, 'config.yaml')} has no VPN`, {
      hint: 'set spec.infrastructure.privateCodeHost.enabled and its aws section',
    });
  const synthesised = synthesize(instance);
  const stack = (name: 'awsvpc' | 'awsvpn'): Readonly<Record<string, unknown>> => {
    const file = join(dir, 'terraform', 'stacks', name, 'cdk.tf.json');
    const text = readIfThere(file);
    const fresh = `${JSON.stringify(synthesised.get(name), null, 2)}\n`;
    if (text !== undefined && text !== fresh)
      notes.push(
        `${file}: differs from what config.yaml describes; the lab rehearses the file (postern generate renews it)`,
      );
    return JSON.parse(text ?? fresh) as Readonly<Record<string, unknown>>;
  };
  const stacks = { awsvpc: stack('awsvpc'), awsvpn: stack('awsvpn') };
  return { design: readVpn(stacks, instance.gcp.nodeCIDRs[0]!, labAnswers()), notes };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
