/** The status that every link has, at Hive's own place: `status.platformStatus.aws.privateLink` and `status.conditions`. */

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly lastProbeTime?: string;
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface VpcEndpointServiceStatus {
  readonly name?: string;
  readonly id?: string;
  readonly defaultAllowedPrincipal?: string;
  readonly additionalAllowedPrincipals?: readonly string[];
}

export interface PrivateLinkStatus {
  readonly vpcEndpointService?: VpcEndpointServiceStatus;
  readonly vpcEndpointID?: string;
  readonly hostedZoneID?: string;
}

export interface LinkStatus {
  readonly conditions?: readonly Condition[];
  readonly platformStatus?: {
    readonly aws?: { readonly privateLink?: PrivateLinkStatus | null } & Record<string, unknown>;
  } & Record<string, unknown>;
  readonly provisionRef?: { readonly name?: string };
}

/** What `kubectl get` shows of a link. */
export const linkColumns = [
  { name: 'Ready', path: '.status.conditions[?(@.type=="AWSPrivateLinkReady")].status' },
  { name: 'Reason', path: '.status.conditions[?(@.type=="AWSPrivateLinkReady")].reason' },
  { name: 'Endpoint', path: '.status.platformStatus.aws.privateLink.vpcEndpointID' },
];

export function linkStatusOf(status: LinkStatus | undefined): PrivateLinkStatus {
  return status?.platformStatus?.aws?.privateLink ?? {};
}

/** The status with another link status; everything else in it belongs to others and stays. */
export function withLinkStatus(status: LinkStatus | undefined, link: PrivateLinkStatus | undefined): LinkStatus {
  const { privateLink: _old, ...aws } = status?.platformStatus?.aws ?? {};
  const platformStatus = {
    ...status?.platformStatus,
    aws: link === undefined || Object.keys(link).length === 0 ? aws : { ...aws, privateLink: link },
  };
  return { ...status, platformStatus };
}
