/** Findings a scan is to come up with: there is no scanner here. */
import { z } from 'zod';
import { findImage, repositories } from '../ecr/records.ts';
import type { World } from '../world/world.ts';

const finding = z.strictObject({
  name: z.string().min(1),
  severity: z.enum(['INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL', 'UNDEFINED']),
  description: z.string().optional(),
  uri: z.string().optional(),
  /** `CVSS3_SCORE`, `package_name`, ... as basic scanning has them. */
  attributes: z.record(z.string(), z.string()).default({}),
});

const schema = z.strictObject({
  repositoryArn: z.string(),
  imageDigest: z.string().optional(),
  imageTag: z.string().optional(),
  findings: z.array(finding).max(10_000),
});

export function setFindings(world: World, body: unknown): { done: true } {
  const { repositoryArn, imageDigest, imageTag, findings } = schema.parse(body);
  const repository = repositories.get(world, repositoryArn);
  const image = repository === undefined ? undefined : findImage(repository, { imageDigest, imageTag });
  if (image === undefined) throw new Error(`no such image in ${repositoryArn}`);
  const now = world.now();
  image.scan = {
    atMs: now,
    completeAtMs: now,
    findings: findings.map(({ description, uri, ...rest }) => ({
      ...rest,
      ...(description === undefined ? {} : { description }),
      ...(uri === undefined ? {} : { uri }),
    })),
  };
  return { done: true };
}
