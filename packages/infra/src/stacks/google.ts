/** What the Google stacks share. */
import type { Instance } from '../config/model.ts';

/** The instance's network by path, without a look-up at plan time. */
export function networkPath({ gcp }: Instance): string {
  return `projects/${gcp.projectID}/global/networks/${gcp.network}`;
}

/** Labels of Google resources: at most 63 characters of [a-z0-9_-], which an instance's name is. */
export function stackTags({ name }: Instance): Readonly<Record<string, string>> {
  return { 'postern-instance': name };
}

/** The repository of the instance's own images. */
export function imageRepository({ gcp }: Instance): string {
  // A domain-scoped project `example.com:name` is written `example.com/name` in an image's name.
  return `${gcp.region}-docker.pkg.dev/${gcp.projectID.replace(':', '/')}/${registryName}`;
}

export const registryName = 'postern';
