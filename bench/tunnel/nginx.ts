/** nginx with its stream module, which Debian packages apart (libnginx-mod-stream). */
import { existsSync } from 'node:fs';
import { findProgram, run } from '@postern/testing';
import { lacking, startLegs } from './legs.ts';
import { type Start, versionOf } from './world.ts';

/** The line that loads the module; undefined when nginx has none. */
async function streamModule(): Promise<string | undefined> {
  const { stderr } = await run(findProgram('nginx')!, ['-V']);
  if (!stderr.includes('--with-stream=dynamic')) return /--with-stream(?:\s|$)/.test(stderr) ? '' : undefined;
  const path = `${/--modules-path=(\S+)/.exec(stderr)?.[1]}/ngx_stream_module.so`;
  return existsSync(path) ? `load_module ${path};` : undefined;
}

export const nginx: Start = async (world) => {
  const missing = lacking('nginx');
  if (missing !== false) return missing;
  const load = await streamModule();
  if (load === undefined) return 'needs the stream module of nginx (Debian: libnginx-mod-stream)';
  return startLegs(world, {
    name: 'nginx',
    version: await versionOf('nginx', ['-v'], /nginx\/(\S+)/),
    settings: 'three masters with one worker a core, mutual TLS 1.3 on both legs, buffers as shipped',
    start(leg, { key, certificate }) {
      const tlsIn = `ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3;
    ssl_client_certificate ${certificate}; ssl_verify_client on;`;
      const tlsOut = `proxy_ssl on; proxy_ssl_protocols TLSv1.3; proxy_ssl_name localhost;
    proxy_ssl_certificate ${certificate}; proxy_ssl_certificate_key ${key};
    proxy_ssl_trusted_certificate ${certificate}; proxy_ssl_verify on;`;
      const file = world.file(
        `nginx-${leg.role}.conf`,
        `${load}
daemon off;
worker_processes auto;
pid ${world.dir}/nginx-${leg.role}.pid;
error_log stderr error;
events { worker_connections 4096; }
stream {
  server {
    listen 127.0.0.1:${leg.listen}${leg.tlsIn ? ' ssl' : ''};
    ${leg.tlsIn ? tlsIn : ''}
    proxy_pass 127.0.0.1:${leg.to};
    ${leg.tlsOut ? tlsOut : ''}
  }
}
`,
      );
      return world.spawn('nginx', ['-e', 'stderr', '-c', file]);
    },
  });
};
