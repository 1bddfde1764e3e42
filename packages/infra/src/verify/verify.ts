import { errorMessage, PosternError } from '@postern/core';
import type { Instance } from '../config/model.ts';
import type { RemovedStack } from '../generate/removed.ts';
import { tunnelPort } from '../stacks/connect.ts';
import { synthesize } from '../stacks/synth.ts';
import { readVpn, unknownAnswers } from '../vpn/read.ts';
import { askAmazon } from './ask-amazon.ts';
import { askGoogle } from './ask-google.ts';
import { type Check, failed, unasked } from './check.ts';
import { type GoogleApi, googleApi } from './google.ts';
import { readGoogle } from './read-google.ts';
import { serverCheck, type ServerPlace } from './server-check.ts';
import { connectChecks, natChecks } from './static-checks.ts';
import { endpointChecks, vpnChecks } from './vpn-checks.ts';

/** Live checks of every path the instance has, from API answers alone. */

export interface VerifyOptions {
  readonly instance: Instance;
  readonly removed: readonly RemovedStack[];
  /** Where the tunnel server is asked, instead of at its reserved address. */
  readonly server?: ServerPlace | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly step: (text: string) => void;
}

export interface Verification {
  readonly instance: string;
  readonly verdict: Check['verdict'];
  readonly checks: readonly Check[];
}

export async function verify({ instance, removed, server, env, signal, step }: VerifyOptions): Promise<Verification> {
  const api = googleApi(env, signal);
  const stacks = synthesize(instance);
  const checks: Check[] = [];
  const google = readGoogle(stacks);
  if (google !== undefined && stacks.has('nat')) {
    step('asking Google about the NAT addresses');
    checks.push(...(await guarded('nat', 'addresses', () => natChecks(api, google))));
  }
  if (instance.aws !== undefined) {
    step('asking both clouds about the VPN');
    checks.push(...(await vpn(api, instance, signal)));
  }
  if (google !== undefined && stacks.has('connect')) {
    step('asking Google about the tunnel server');
    let address: string | undefined;
    const ask = async () => {
      const findings = await connectChecks(api, google);
      ({ address } = findings);
      return findings.checks;
    };
    checks.push(...(await guarded('tunnel', 'address and firewall', ask)));
    const place = server ?? (address === undefined ? undefined : { host: address, port: tunnelPort });
    if (place !== undefined) {
      step('dialling the tunnel server');
      checks.push(await serverCheck(place, signal));
    }
  }
  checks.push(...removed.map(({ name }) => stillThere(name)));
  return { instance: instance.name, verdict: overall(checks), checks };
}

async function vpn(api: GoogleApi, instance: Instance, signal: AbortSignal): Promise<Check[]> {
  const stacks = synthesize(instance);
  const design = readVpn(
    { awsvpc: stacks.get('awsvpc')!, awsvpn: stacks.get('awsvpn')! },
    instance.gcp.nodeCIDRs[0]!,
    unknownAnswers,
  );
  const [google, amazon] = await Promise.allSettled([askGoogle(api, design), askAmazon(design, signal)]);
  const checks: Check[] = [];
  if (google.status === 'rejected') checks.push(unasked('vpn', 'Google’s side', sentence(google.reason)));
  if (amazon.status === 'rejected') checks.push(unasked('vpn', 'AWS’s side', sentence(amazon.reason)));
  if (google.status === 'fulfilled')
    checks.push(...vpnChecks(design, google.value, amazon.status === 'fulfilled' ? amazon.value : undefined));
  if (amazon.status === 'fulfilled') checks.push(...endpointChecks(design, amazon.value));
  return checks;
}

/** One path that cannot be asked must not hide the others. */
async function guarded(
  path: Check['path'],
  check: string,
  ask: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await ask();
  } catch (error) {
    return [unasked(path, check, sentence(error))];
  }
}

function sentence(error: unknown): { message: string; hint?: string | undefined } {
  return error instanceof PosternError ? error : { message: errorMessage(error) };
}

function stillThere(name: string): Check {
  return failed('stacks', name, 'switched off in config.yaml, and its resources still exist', {
    id: 'stack-removed',
    cause: 'the stack was removed from the configuration and never destroyed',
    next: 'postern instance deploy offers to destroy it',
  });
}

function overall(checks: readonly Check[]): Check['verdict'] {
  if (checks.some(({ verdict }) => verdict === 'failed')) return 'failed';
  return checks.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'ok';
}
