/** HAProxy in TCP mode. */
import { lacking, startLegs } from './legs.ts';
import { type Start, versionOf } from './world.ts';

export const haproxy: Start = async (world) => {
  const missing = lacking('haproxy');
  if (missing !== false) return missing;
  return startLegs(world, {
    name: 'haproxy',
    version: await versionOf('haproxy', ['-v'], /version (\S+)/),
    settings: 'three processes, mutual TLS 1.3 on both legs, mode tcp, threads and buffers as shipped',
    start(leg, { bundle, certificate }) {
      const tls = `crt ${bundle} ca-file ${certificate} ssl-min-ver TLSv1.3 verify required`;
      const file = world.file(
        `haproxy-${leg.role}.cfg`,
        `global
  maxconn 4096
defaults
  mode tcp
  timeout connect 10s
  timeout client 10m
  timeout server 10m
listen leg
  bind 127.0.0.1:${leg.listen}${leg.tlsIn ? ` ssl ${tls}` : ''}
  server next 127.0.0.1:${leg.to}${leg.tlsOut ? ` ssl ${tls} verifyhost localhost` : ''}
`,
      );
      return world.spawn('haproxy', ['-db', '-f', file]);
    },
  });
};
