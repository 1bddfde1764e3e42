import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PosternError } from '@postern/core';
import { charonPath } from './ike-end.ts';

/** What the VPN lab needs of the machine, and in which Debian package it is. */
const programs: readonly (readonly [program: string, debianPackage: string])[] = [
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
  ['bird', 'bird2'],
  ['swanctl', 'strongswan-swanctl'],
  ['unshare', 'util-linux'],
  ['sysctl', 'procps'],
];
const files: readonly (readonly [file: string, debianPackage: string])[] = [
  [charonPath, 'strongswan-charon'],
  ['/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so', 'libcharon-extra-plugins'],
  ['/usr/lib/ipsec/plugins/libstrongswan-openssl.so', 'libstrongswan-standard-plugins'],
  ['/dev/net/tun', ''],
];
/** Not on every user's PATH. */
const sbin = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** What is missing, in a sentence with the next step; undefined where the lab can run. */
export function missingForVpnLab(): { readonly what: string; readonly next: string } | undefined {
  if (process.platform !== 'linux')
    return { what: 'the VPN lab needs Linux', next: 'run it in a Linux machine with root' };
  if (process.getuid?.() !== 0)
    return { what: 'the VPN lab needs root, to make network namespaces', next: 'run it with sudo' };
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...sbin];
  const packages = [
    ...programs.filter(([program]) => !folders.some((folder) => existsSync(join(folder, program)))),
    ...files.filter(([file, name]) => name !== '' && !existsSync(file)),
  ].map(([, name]) => name);
  if (packages.length > 0)
    return {
      what: `the VPN lab needs Debian packages that are not installed: ${[...new Set(packages)].join(', ')}`,
      next: `apt-get install --no-install-recommends ${[...new Set(packages)].join(' ')}`,
    };
  if (!existsSync('/dev/net/tun')) return { what: 'the VPN lab needs /dev/net/tun', next: 'modprobe tun' };
  return undefined;
}

export function requireVpnLab(): void {
  const missing = missingForVpnLab();
  if (missing !== undefined) throw new PosternError('LAB_NEEDS', missing.what, { hint: missing.next });
  process.env['PATH'] = [process.env['PATH'] ?? '', ...sbin].join(delimiter);
}
