/** The scalar fields of an instance's configuration, each with its rule, its message and its line for the JSON Schema. */
import { didYouMean, parseHost, parseCidr, cidrText } from '@postern/core';
import { z } from 'zod';
import { awsRegions, gcpRegions } from './regions.ts';

export const accountIDField = () =>
  z
    .string()
    .regex(/^\d{12}$/, { error: (issue) => `${JSON.stringify(issue.input)} is not an AWS account id (12 digits)` })
    .describe('The AWS account dedicated to this customer: 12 digits, in quotes (unquoted, a leading zero is lost).');

function region(cloud: string, known: ReadonlySet<string>, description: string) {
  return z
    .string()
    .refine((text) => known.has(text), {
      error: ({ input }) => {
        const near = didYouMean(String(input), known);
        return `${JSON.stringify(input)} is not a region of ${cloud}${near === undefined ? '' : `, did you mean ${near}?`}`;
      },
    })
    .describe(description);
}

export const awsRegionField = () => region('AWS', awsRegions, 'The AWS region of the customer’s code hosts.');
export const gcpRegionField = () =>
  region('Google Cloud', gcpRegions, 'The Google Cloud region of the instance. A change recreates everything.');

export const projectIDField = () =>
  z
    .string()
    .regex(/^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/, {
      error: (issue) => `${JSON.stringify(issue.input)} is not a Google Cloud project id`,
    })
    .describe('The Google Cloud project of the instance.');

/** RFC 1035 label: networks, clusters, node pools, service accounts. */
export const gcpNameField = (description: string) =>
  z
    .string()
    .regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, {
      error: (issue) =>
        `${JSON.stringify(issue.input)} is not a name (lower-case letters, digits, hyphens; starts with a letter)`,
    })
    .describe(description);

/** IPv4 only: neither the VPN's inside addresses nor the endpoints of this design carry IPv6. Normalised text. */
export const ipv4CidrField = (description: string) =>
  z
    .string()
    .transform((text, context): string => {
      const cidr = parseCidr(text);
      const reason = 'reason' in cidr ? cidr.reason : cidr.family === 6 ? 'is IPv6; this network is IPv4' : undefined;
      if (reason === undefined && !('reason' in cidr)) return cidrText(cidr);
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} ${reason}` });
      return z.NEVER;
    })
    .describe(description);

/** `com.amazonaws.vpce.REGION.vpce-svc-ID`, in China with `cn.` in front. */
export const endpointServicePattern = /^(?:cn\.)?com\.amazonaws\.vpce\.([a-z0-9-]+)\.(vpce-svc-[0-9a-f]{8,17})$/;

export const endpointField = () =>
  z
    .string()
    .regex(endpointServicePattern, {
      error: (issue) =>
        `${JSON.stringify(issue.input)} is not an endpoint service name (com.amazonaws.vpce.REGION.vpce-svc-0123456789abcdef0)`,
    })
    .describe('The customer’s VPC endpoint service: com.amazonaws.vpce.REGION.vpce-svc-ID.');

/** A host name in canonical form (lower case, no trailing dot, A-labels); an address or a wildcard is refused. */
export const dnsNameField = (description: string) =>
  z
    .string()
    .transform((text, context): string => {
      const host = parseHost(text);
      if (host.kind === 'name') return host.name;
      const message = host.kind === 'ip' ? 'is an address; a name is expected' : host.reason;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} ${message}` });
      return z.NEVER;
    })
    .describe(description);

export const ipField = (description: string) =>
  z
    .string()
    .transform((text, context): string => {
      const host = parseHost(text);
      if (host.kind === 'ip') return host.ip;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not an IP address` });
      return z.NEVER;
    })
    .describe(description);

/** RFC 6996 private ASNs, the only ones both clouds take on a VPN's own side. */
export const asnField = (description: string) =>
  z
    .int()
    .refine((asn) => (asn >= 64512 && asn <= 65534) || (asn >= 4_200_000_000 && asn <= 4_294_967_294), {
      error: (issue) => `${String(issue.input)} is not a private ASN (64512-65534 or 4200000000-4294967294, RFC 6996)`,
    })
    .describe(description);

export const portField = () =>
  z.int().min(1, 'is not a port (1 to 65535)').max(65535, 'is not a port (1 to 65535)').describe('A TCP port.');
