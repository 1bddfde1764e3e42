import { lanAddresses } from './topology.ts';
import type { Rig } from './rig.ts';
import type { VpnDesign } from '@postern/core';

/** HTTP from a pod to the customer's host, once every 200 ms, for as long as the rehearsal runs. */
export interface Traffic {
  readonly url: string;
  /** Requests answered 200 since the start. */
  readonly ok: number;
  /** The longest stretch without a 200 since the last call. */
  takeLongestGapMs(): number;
}

/** Programs for the two hosts, short enough to be handed to Node as text: the namespaces share no other code with this process. */
const origin = `require('node:http').createServer((q, r) => r.end('hello from the customer\\n')).listen(+process.argv[1], process.argv[2])`;
const client = `const http = require('node:http');
const again = () => setTimeout(ask, 200);
const ask = () => {
  let told = false;
  const tell = (word) => { if (!told) { told = true; console.log(word); again(); } };
  const q = http.get(process.argv[1], { timeout: 1000, agent: false }, (r) => { r.resume(); r.on('end', () => tell(r.statusCode === 200 ? 'ok' : 'failed')); });
  q.on('timeout', () => q.destroy());
  q.on('close', () => tell('failed'));
  q.on('error', () => tell('failed'));
};
ask();`;

export function startTraffic(rig: Rig, design: VpnDesign): Traffic {
  const port = design.aws.endpoints[0]?.ingress[0]?.fromPort ?? 443; // plain HTTP on it: the way is rehearsed, not TLS
  const [, host] = lanAddresses(design.vpcCIDR);
  rig.daemon('host', process.execPath, ['-e', origin, String(port), host]).stdout.resume();
  const url = `http://${host}:${port}/`;
  const child = rig.daemon('app', process.execPath, ['-e', client, url]);
  child.stderr.resume();
  let [ok, longestGapMs] = [0, 0];
  let lastMs: number | undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    for (const word of chunk.toString().split('\n')) {
      if (word !== 'ok') continue;
      ok++;
      const nowMs = performance.now();
      if (lastMs !== undefined) longestGapMs = Math.max(longestGapMs, nowMs - lastMs);
      lastMs = nowMs;
    }
  });
  return {
    url,
    get ok() {
      return ok;
    },
    takeLongestGapMs: () => {
      const gapMs = longestGapMs;
      longestGapMs = 0;
      return gapMs;
    },
  };
}
