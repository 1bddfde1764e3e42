import type { Step } from './steps.ts';

/** A step in words, for `plan`, events and logs. */
export function explain(step: Step): string {
  const list = (items: readonly string[]): string => items.join(', ');
  switch (step.kind) {
    case 'create-service':
      return `create a VPC endpoint service before ${step.loadBalancerArn}`;
    case 'modify-service':
      return `modify the VPC endpoint service ${step.id}${changes([
        ['acceptance off', step.acceptanceOff ? [''] : []],
        ['add', step.addLoadBalancerArns],
        ['remove', step.removeLoadBalancerArns],
      ])}`;
    case 'tag-service':
      return `tag the VPC endpoint service ${step.id} with ${list(Object.keys(step.tags))}`;
    case 'modify-principals':
      return `change who may use the VPC endpoint service ${step.id}${changes([
        ['allow', step.add],
        ['remove', step.remove],
      ])}`;
    case 'delete-services':
      return `delete the VPC endpoint service ${list(step.ids)}`;
    case 'create-endpoint':
      return `create a VPC endpoint in ${step.vpcId}, ${list(step.subnetIds)}, to ${step.serviceName}`;
    case 'modify-endpoint':
      return `modify the VPC endpoint ${step.id}${changes([
        ['add', [...step.addSubnetIds, ...step.addGroupIds]],
        ['remove', [...step.removeSubnetIds, ...step.removeGroupIds]],
      ])}`;
    case 'tag-endpoint':
      return `tag the VPC endpoint ${step.id} with ${list(Object.keys(step.tags))}`;
    case 'accept-connection':
      return `accept the connection of the VPC endpoint ${step.endpointId} to ${step.serviceId}`;
    case 'delete-endpoints':
      return `delete the VPC endpoint ${list(step.ids)}`;
    case 'create-zone':
      return `create the private hosted zone ${step.name} on ${step.vpc.vpcId}`;
    case 'tag-zone':
      return `tag the hosted zone ${step.id} with ${list(Object.keys(step.tags))}`;
    case 'put-record':
      return `point ${step.name} to ${step.record.kind === 'alias' ? step.record.dnsName : list(step.record.addresses)}`;
    case 'associate':
      return `associate ${step.vpc.vpcId} in ${step.vpc.region} with the hosted zone ${step.zoneId}${by(step.secretName)}`;
    case 'disassociate':
      return `disassociate ${step.vpc.vpcId} in ${step.vpc.region} from the hosted zone ${step.zoneId}${by(step.secretName)}`;
    case 'withdraw-authorisation':
      return `withdraw the authorisation to associate ${step.vpc.vpcId} with the hosted zone ${step.zoneId}`;
    case 'delete-records':
      return `delete the records of the hosted zone ${step.zoneId}`;
    case 'delete-zone':
      return `delete the hosted zone ${step.zoneId}`;
    case 'reject-connections':
      return `reject the connections of ${list(step.endpointIds)} to ${step.serviceId}`;
  }
}

function by(secretName: string | undefined): string {
  return secretName === undefined ? '' : `, with the credentials of the Secret ${secretName}`;
}

function changes(parts: ReadonlyArray<readonly [string, readonly string[]]>): string {
  const said = parts
    .filter(([, items]) => items.length > 0)
    .map(([verb, items]) => `${verb} ${items.join(', ')}`.trim());
  return said.length === 0 ? '' : `: ${said.join('; ')}`;
}
