/** The policy documents a role or a user holds. */
import type { World } from '../world/world.ts';
import { managedDocument } from './managed.ts';
import { policies } from './records.ts';

export function documentsOfHolder(
  world: World,
  holder: { readonly inline: Readonly<Record<string, string>>; readonly attached: readonly string[] },
): string[] {
  return [...Object.values(holder.inline), ...holder.attached.flatMap((arn) => documentOf(world, arn))];
}

/** The default version of a customer's policy, or what an AWS one grants. */
export function documentOf(world: World, arn: string): string[] {
  const policy = policies.get(world, arn);
  const own = policy?.versions.find(({ id }) => id === policy.defaultVersion)?.document;
  const document = own ?? managedDocument(arn);
  return document === undefined ? [] : [document];
}
