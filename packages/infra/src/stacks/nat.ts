/** Stack `nat`: static egress addresses for hosts that may be public behind an allowlist. */
import type { TerraformStack } from 'cdktn';
import type { Instance } from '../config/model.ts';
import { networkPath, stackTags } from './google.ts';
import { output, resource } from '@postern/terraform';

export const natNames = {
  router: 'postern-nat',
  nat: 'postern-nat',
  address: (i: number) => `postern-nat-${i}`,
} as const;

export function nat(stack: TerraformStack, instance: Instance): void {
  // Its own router: the VPN's speaks BGP in CUSTOM mode, and neither must move when the other changes.
  const router = resource(stack, 'google_compute_router', 'nat', {
    name: natNames.router,
    network: networkPath(instance),
  });
  const addresses = Array.from({ length: instance.nat!.staticIPs }, (_, i) =>
    resource(
      stack,
      'google_compute_address',
      `egress_${i}`,
      {
        name: natNames.address(i),
        address_type: 'EXTERNAL',
        description: `Egress of ${instance.name}; on its customer's allowlist.`,
        labels: stackTags(instance),
      },
      // A lost address cannot be had again, and the customer's firewall knows it.
      { lifecycle: { prevent_destroy: true } },
    ),
  );
  resource(stack, 'google_compute_router_nat', 'nat', {
    name: natNames.nat,
    router: router.ref('name'),
    nat_ip_allocate_option: 'MANUAL_ONLY',
    nat_ips: addresses.map((address) => address.ref('self_link')),
    source_subnetwork_ip_ranges_to_nat: 'ALL_SUBNETWORKS_ALL_IP_RANGES',
    log_config: { enable: true, filter: 'ERRORS_ONLY' },
  });
  output(
    stack,
    'allowlist',
    addresses.map((address) => address.ref('address')),
    'What the customer allows in.',
  );
}
