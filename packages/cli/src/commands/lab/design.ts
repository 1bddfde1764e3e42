import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { formatDiagnostic, type GoogleDesign, UsageError, type VpnDesign } from '@postern/core';

export interface LabDesign {
  /** Undefined where config.yaml has no VPN. */
  readonly vpn: VpnDesign | undefined;
  readonly google: GoogleDesign | undefined;
  readonly notes: readonly string[];
}

/** What the lab rehearses: the generated stacks beside config.yaml where they are there, else what would be generated. */
export async function labDesign(config: string): Promise<LabDesign> {
  const { loadInstance, readGoogle, readVpn, stacksOf, synthesize } = await import('@postern/infra');
  const { labAnswers } = await import('@postern/lab/vpn');
  const dir = basename(config) === 'config.yaml' ? dirname(config) : config;
  const { instance, diagnostics } = loadInstance(dir);
  const notes = diagnostics.map(formatDiagnostic);
  const synthesised = synthesize(instance);
  const stacks: typeof synthesised = new Map();
  for (const { name } of stacksOf(instance)) {
    const file = join(dir, 'terraform', 'stacks', name, 'cdk.tf.json');
    const text = readIfThere(file);
    const fresh = `${JSON.stringify(synthesised.get(name), null, 2)}\n`;
    if (text !== undefined && text !== fresh)
      notes.push(
        `${file}: differs from what config.yaml describes; the lab rehearses the file (postern generate renews it)`,
      );
    stacks.set(name, JSON.parse(text ?? fresh) as Readonly<Record<string, unknown>>);
  }
  const [awsvpc, awsvpn] = [stacks.get('awsvpc'), stacks.get('awsvpn')];
  const vpn =
    awsvpc === undefined || awsvpn === undefined
      ? undefined
      : readVpn({ awsvpc, awsvpn }, instance.gcp.nodeCIDRs[0]!, labAnswers());
  return { vpn, google: readGoogle(stacks), notes };
}

/** The VPN alone; an instance without one is refused. */
export async function vpnDesign(config: string): Promise<LabDesign & { readonly design: VpnDesign }> {
  const lab = await labDesign(config);
  if (lab.vpn !== undefined) return { ...lab, design: lab.vpn };
  throw new UsageError(`${config} has no VPN`, {
    hint: 'set spec.infrastructure.privateCodeHost.enabled and its aws section',
  });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
