/** Attributes with their defaults. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html */
import type * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';

export function balancerDefaults(type: sdk.LoadBalancerTypeEnum): Record<string, string> {
  const common = {
    'deletion_protection.enabled': 'false',
    'load_balancing.cross_zone.enabled': type === 'application' ? 'true' : 'false',
  };
  const logs = { 'access_logs.s3.enabled': 'false', 'access_logs.s3.bucket': '', 'access_logs.s3.prefix': '' };
  if (type === 'gateway') return common;
  if (type === 'network')
    return {
      ...common,
      ...logs,
      'dns_record.client_routing_policy': 'any_availability_zone',
      'ipv6.deny_all_igw_traffic': 'false',
      'zonal_shift.config.enabled': 'false',
      'secondary_ips.auto_assigned.per_subnet': '0',
    };
  return {
    ...common,
    ...logs,
    'idle_timeout.timeout_seconds': '60',
    'routing.http2.enabled': 'true',
    'routing.http.desync_mitigation_mode': 'defensive',
    'routing.http.drop_invalid_header_fields.enabled': 'false',
    'routing.http.preserve_host_header.enabled': 'false',
    'routing.http.x_amzn_tls_version_and_cipher_suite.enabled': 'false',
    'routing.http.xff_client_port.enabled': 'false',
    'routing.http.xff_header_processing.mode': 'append',
    'waf.fail_open.enabled': 'false',
    'connection_logs.s3.enabled': 'false',
    'connection_logs.s3.bucket': '',
    'connection_logs.s3.prefix': '',
    'client_keep_alive.seconds': '3600',
    'zonal_shift.config.enabled': 'false',
  };
}

export function targetGroupDefaults(protocol: string | undefined): Record<string, string> {
  const common = {
    'deregistration_delay.timeout_seconds': '300',
    'stickiness.enabled': 'false',
    'load_balancing.cross_zone.enabled': 'use_load_balancer_configuration',
  };
  if (protocol === 'HTTP' || protocol === 'HTTPS')
    return {
      ...common,
      'stickiness.type': 'lb_cookie',
      'stickiness.lb_cookie.duration_seconds': '86400',
      'slow_start.duration_seconds': '0',
      'load_balancing.algorithm.type': 'round_robin',
      'load_balancing.algorithm.anomaly_mitigation': 'off',
    };
  return {
    ...common,
    'stickiness.type': 'source_ip',
    'proxy_protocol_v2.enabled': 'false',
    'preserve_client_ip.enabled': 'false',
    'deregistration_delay.connection_termination.enabled': 'false',
    'target_health_state.unhealthy.connection_termination.enabled': 'true',
    'target_health_state.unhealthy.draining_interval_seconds': '0',
  };
}

export function mergeAttributes(
  into: Record<string, string>,
  attributes: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): void {
  for (const { Key: key = '', Value: value = '' } of attributes ?? []) into[key] = value;
}

export function showAttributes(attributes: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(attributes).map(([Key, Value]) => ({ Key, Value }));
}
