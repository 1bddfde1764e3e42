/** Names, tags and tokens that mark what is ours. The tag is Hive's own, so that a hub can switch over in both directions. */

export const finalizer = 'hive.openshift.io/aws-private-link';
export const lastCleanupAnnotation = 'aws-private-link-controller.hive.openshift.io/last-cleanup-for';
export const pauseAnnotation = 'hive.openshift.io/reconcile-pause';
/** Counts completed removals of one object, so that a create after one never reuses a client token of the one before. */
export const epochAnnotation = 'privatelink.postern.dev/epoch';
/** Which Secret associated which foreign VPC: the configuration may have forgotten it when the association must end. */
export const associationsAnnotation = 'privatelink.postern.dev/association-credentials';

export const ownerTag = 'hive.openshift.io/private-link-access-for';

export function tagsFor(
  owner: string,
  what: 'vpc-endpoint-service' | 'vpc-endpoint' | 'private-zone',
  userTags: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  // Ours last: a user's tag of the same key must not take the proof of ownership away.
  return { ...userTags, Name: `${owner}-${what}`, [ownerTag]: owner };
}

/** The installer's name for a cluster's internal load balancer. */
export function loadBalancerName(infraId: string): string {
  return `${infraId}-int`;
}

export const callerReferenceStart = 'postern/';

/**
 * The start of every caller reference of ours for this owner and host name. Route 53 keeps it with the zone, so it proves
 * whose zone it is even when a crash came between the create and its tags.
 */
export function callerReferencePrefix(owner: string, hostName: string): string {
  return `${callerReferenceStart}${owner}/${hostName}/`.slice(0, 90); // Route 53 takes 128 characters, some of which follow
}
