/** The interface endpoints of `awsvpn`: one a private link, each with its own security group. */
import type { TerraformStack } from 'cdktn';
import { endpointServicePattern } from '../config/fields.ts';
import type { AwsSide, Instance, PrivateLink } from '../config/model.ts';
import type { VpcReferences } from './awsvpn.ts';
import { dataSource, output, resource } from '@postern/terraform';

/** `vpce-svc-0123...`: names the resources, so that an edit of one link touches no other. */
export function serviceID(link: PrivateLink): string {
  return endpointServicePattern.exec(link.endpoint)?.[2] ?? link.endpoint;
}

/** Who may enter: node and pod ranges, and nothing else. */
export function ingressRanges({ gcp }: Instance): string[] {
  return [...new Set([...gcp.nodeCIDRs, ...gcp.podCIDRs])];
}

export function addEndpoints(stack: TerraformStack, instance: Instance, aws: AwsSide, vpc: VpcReferences): void {
  const names: Record<string, string> = {};
  const ids: Record<string, string> = {};
  for (const link of aws.privateLinks) {
    const made = addEndpoint(stack, instance, link, vpc);
    ids[serviceID(link)] = made.ref('id');
    names[serviceID(link)] = regionalName(made.raw('dns_entry'));
  }
  if (aws.privateLinks.length === 0) return;
  output(stack, 'endpoint_ids', ids, 'The VPC endpoints, by service.');
  output(stack, 'endpoint_dns_names', names, 'Their regional names, by service: destinations for privateDNS routes.');
}

function addEndpoint(stack: TerraformStack, instance: Instance, link: PrivateLink, vpc: VpcReferences) {
  const service = serviceID(link);
  const id = service.replaceAll('-', '_');
  const group = resource(stack, 'aws_security_group', id, {
    name: `postern-${service}`,
    description: `From ${instance.name} to ${service}`,
    vpc_id: vpc.vpcID,
    tags: { Name: `postern-${service}` },
  });
  for (const [i, range] of ingressRanges(instance).entries())
    for (const port of link.ports)
      resource(stack, 'aws_vpc_security_group_ingress_rule', `${id}_${port}_${i}`, {
        security_group_id: group.ref('id'),
        description: `${instance.name}, over the VPN`,
        ip_protocol: 'tcp',
        from_port: port,
        to_port: port,
        cidr_ipv4: range,
      });
  const offer = dataSource(stack, 'aws_vpc_endpoint_service', id, { service_name: link.endpoint });
  return resource(stack, 'aws_vpc_endpoint', id, {
    vpc_id: vpc.vpcID,
    vpc_endpoint_type: 'Interface',
    service_name: link.endpoint,
    // Only in zones the service offers; both names are this account's own.
    subnet_ids: `\${[for zone, id in ${vpc.subnetIDsByZone} : id if contains(${offer.raw('availability_zones')}, zone)]}`,
    security_group_ids: [group.ref('id')],
    private_dns_enabled: link.privateDnsEnabled,
    tags: { Name: `postern-${service}` },
  });
}

/** The regional name has no zone after the endpoint's id; by that and not by its place in the list. */
function regionalName(entries: string): string {
  return `\${try([for entry in ${entries} : entry.dns_name if length(regexall("^vpce-[0-9a-f]+-[0-9a-z]+\\\\.", entry.dns_name)) > 0][0], "")}`;
}
