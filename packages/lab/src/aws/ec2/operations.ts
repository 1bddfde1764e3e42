/** EC2, family by family. */
import { aclOperations } from './acl.ts';
import { endpointOfferOperations } from './endpoint-offer.ts';
import { endpointOperations } from './endpoint.ts';
import { endpointPermissionOperations } from './endpoint-permission.ts';
import { endpointServiceOperations } from './endpoint-service.ts';
import { elasticIpOperations } from './elastic-ip.ts';
import { interfaceOperations } from './interface.ts';
import { internetGatewayOperations } from './internet-gateway.ts';
import { launchTemplateOperations } from './launch-template.ts';
import { natGatewayOperations } from './nat-gateway.ts';
import { peeringOperations } from './peering.ts';
import { prefixListOperations } from './prefix-list.ts';
import { routeOperations } from './route.ts';
import { routeTableOperations } from './route-table.ts';
import { securityGroupOperations } from './security-group.ts';
import { securityGroupRuleOperations } from './security-group-rule.ts';
import { subnetOperations } from './subnet.ts';
import { tagOperations } from './tag-calls.ts';
import { transitGatewayOperations } from './transit-gateway.ts';
import { vpnConnectionOperations } from './vpn-connection.ts';
import { vpnGatewayOperations } from './vpn-gateway.ts';
import { vpcOperations } from './vpc.ts';
import { zoneOperations } from './zones.ts';

export const ec2Operations = {
  ...zoneOperations,
  ...tagOperations,
  ...vpcOperations,
  ...aclOperations,
  ...subnetOperations,
  ...securityGroupOperations,
  ...securityGroupRuleOperations,
  ...interfaceOperations,
  ...routeTableOperations,
  ...routeOperations,
  ...internetGatewayOperations,
  ...elasticIpOperations,
  ...natGatewayOperations,
  ...peeringOperations,
  ...launchTemplateOperations,
  ...prefixListOperations,
  ...vpnGatewayOperations,
  ...vpnConnectionOperations,
  ...transitGatewayOperations,
  ...endpointServiceOperations,
  ...endpointPermissionOperations,
  ...endpointOperations,
  ...endpointOfferOperations,
};
