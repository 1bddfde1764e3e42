/**
 * On demand: `node tools/run.mjs test/soak/renewal.ts [MINUTES] [LIFETIME]`, by default two minutes with certificates of 30 s. A
 * transfer in both directions must be whole at the end.
 */
import { formatBytes, parseDuration } from '@postern/core';
import { steadyTransfer } from '../e2e/tunnel/steady.ts';
import { TunnelWorld } from '../e2e/tunnel/world.ts';

const [minutes = '2', lifetime = '30s'] = process.argv.slice(2);
if (!(Number(minutes) > 0) || parseDuration(lifetime) === undefined) {
  process.stderr.write('usage: renewal.ts [MINUTES] [LIFETIME]\n');
  process.exit(2);
}
await using world = await TunnelWorld.start({ serverYaml: `certificates: {lifetime: ${lifetime}}` });
process.stderr.write(`transferring for ${minutes} min with certificates of ${lifetime}\n`);
const { bytes } = await steadyTransfer(world, Number(minutes) * 60_000);
const renewals = await world.audit('--event', 'certificate.renew');
process.stdout.write(`whole: ${formatBytes(bytes)} each way, ${renewals.length} renewals\n`);
