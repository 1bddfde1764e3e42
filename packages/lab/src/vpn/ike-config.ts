import type { Proposal, TunnelDesign } from '@postern/core';
import { cloudVpnOffer, proposalText } from './proposals.ts';

/** strongSwan's two files for one end of a tunnel. PURE. Keys appear here and nowhere else: the caller writes them mode 600. */

/**
 * kernel-libipsec does ESP in the daemon over a TUN device, for kernels without ESP. The two fwmarks keep the daemon's own
 * packets out of the tunnel; `allow_peer_ts` is needed because the remote selector 0.0.0.0/0 contains the peer itself.
 */
export function charonConfig(viciSocket: string): string {
  return `charon {
  load = random nonce aes sha1 sha2 hmac kdf pem pkcs1 openssl kernel-libipsec kernel-netlink socket-default vici updown
  install_routes = no
  install_virtual_ip = no
  retransmit_tries = 3
  retransmit_timeout = 2
  plugins {
    kernel-libipsec { allow_peer_ts = yes }
    kernel-netlink { fwmark = !0x42 }
    socket-default { fwmark = 0x42 }
    vici { socket = unix://${viciSocket} }
  }
  filelog {
    out {
      path = stderr
      default = 1
      flush_line = yes
    }
  }
}
`;
}

/** How an AWS end does otherwise than its design says. */
export interface Quirks {
  readonly identity?: string;
  readonly version?: 1 | 2;
  readonly phase1?: Proposal;
  readonly selectors?: { readonly local: string; readonly remote: string };
}

/**
 * AWS waits for Google to begin (its startup action is "add"); Google begins at once. Google's end takes any identity here: that it
 * is the peer's address is checked afterwards, as Cloud VPN does (`IkeEnd`), to tell it from a wrong key.
 */
export function swanctlConfig(tunnel: TunnelDesign, side: 'aws' | 'gcp', quirks: Quirks = {}): string {
  const { aws, gcp } = tunnel;
  const end = side === 'aws' ? aws : gcp;
  const ike = side === 'aws' ? [proposalText(1, quirks.phase1 ?? aws.phase1)] : cloudVpnOffer.ike;
  const esp = side === 'aws' ? [proposalText(2, aws.phase2)] : cloudVpnOffer.esp;
  const ikeSeconds = side === 'aws' ? aws.phase1.lifetimeSeconds : cloudVpnOffer.ikeLifetimeSeconds;
  const espSeconds = side === 'aws' ? aws.phase2.lifetimeSeconds : cloudVpnOffer.espLifetimeSeconds;
  // AWS probes three times within its timeout before it gives the peer up.
  const dpdSeconds = Math.max(1, Math.floor((side === 'aws' ? aws.dpdSeconds : 30) / 3));
  return `connections {
  t {
    version = ${quirks.version ?? 2}
    local_addrs = ${end.outside}
    remote_addrs = ${end.peerOutside}
    proposals = ${ike.join(',')}
    encap = yes
    mobike = no
    dpd_delay = ${dpdSeconds}s
    rekey_time = ${ikeSeconds}s
    keyingtries = 0
    local { auth = psk
      id = ${quirks.identity ?? end.outside} }
    remote { auth = psk
      id = ${side === 'gcp' ? '%any' : end.peerOutside} }
    children { c {
      local_ts = ${quirks.selectors?.local ?? '0.0.0.0/0'}
      remote_ts = ${quirks.selectors?.remote ?? '0.0.0.0/0'}
      esp_proposals = ${esp.join(',')}
      rekey_time = ${espSeconds}s
      dpd_action = ${side === 'gcp' ? 'restart' : 'clear'}
      start_action = ${side === 'gcp' ? 'start' : 'none'}
    } }
  }
}
secrets {
  ike-t {
    secret = "${end.key.reveal()}"
  }
}
`;
}
