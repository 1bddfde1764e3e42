/** ARNs in every partition (aws, aws-us-gov, aws-cn, and those that AWS has yet to name). */

export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  if (region.startsWith('us-isob-')) return 'aws-iso-b';
  if (region.startsWith('us-iso-')) return 'aws-iso';
  return 'aws';
}

/**
 * Whom an endpoint service should allow for a caller. The caller identity of an assumed role is a *session* ARN, another
 * one for every session; the role behind it is the principal that stays.
 */
export function principalOfCaller(callerArn: string): string {
  const match = /^(arn:[^:]+):sts::(\d{12}):assumed-role\/([^/]+)\/.+$/.exec(callerArn);
  return match === null ? callerArn : `${match[1]}:iam::${match[2]}:role/${match[3]}`;
}

export function accountOfArn(arn: string): string | undefined {
  return /^arn:[^:]+:[^:]*:[^:]*:(\d{12}):/.exec(arn)?.[1];
}
