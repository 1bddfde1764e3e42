/** stunnel: a service has TLS on one side only, so the process in the middle runs two, joined over loopback. */
import { lacking, startLegs } from './legs.ts';
import { freePorts, type Start, versionOf } from './world.ts';

export const stunnel: Start = async (world) => {
  const missing = lacking('stunnel');
  if (missing !== false) return missing;
  return startLegs(world, {
    name: 'stunnel',
    version: await versionOf('stunnel', ['-version'], /stunnel (\S+)/),
    settings: 'three processes, mutual TLS 1.3 on both legs, no delay; the middle one joins two services over loopback',
    async start({ role, listen, to, tlsIn, tlsOut }, { key, certificate }) {
      const [joint] = (await freePorts(1)) as [number];
      const both = tlsIn && tlsOut;
      const service = (name: string, client: boolean, from: number, next: number): string => `[${name}]
client = ${client ? 'yes' : 'no'}
accept = 127.0.0.1:${from}
connect = 127.0.0.1:${next}
cert = ${certificate}
key = ${key}
CAfile = ${certificate}
verifyChain = yes
sslVersionMin = TLSv1.3
`;
      const file = world.file(
        `stunnel-${role}.conf`,
        `foreground = yes
pid =
debug = 3
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
${tlsIn ? service('in', false, listen, both ? joint : to) : ''}${tlsOut ? service('out', true, both ? joint : listen, to) : ''}`,
      );
      return world.spawn('stunnel', [file]);
    },
  });
};
