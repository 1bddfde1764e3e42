/** Stack `registry`: one repository each, immutable, scanned on push; nothing that could be running is ever expired. */
import { output, resource } from '@postern/terraform';
import type { TerraformStack } from 'cdktn';
import type { Project } from '../plan/project.ts';

/** Leftovers of broken pushes; nobody needs them after two weeks. */
const untaggedDays = 14;

export function registryStack(stack: TerraformStack, projects: readonly Project[]): void {
  const names = [...new Set(projects.flatMap((project) => project.repositories))].toSorted();
  const made = names.map((name) => {
    const id = name.replaceAll(/[^a-z0-9]/g, '_');
    const owner = projects.find((project) => project.repositories.includes(name))!;
    const repository = resource(stack, 'aws_ecr_repository', id, {
      name,
      // A tag never moves: so a digest that was pushed under one keeps it, and the rule below can never reach what runs.
      image_tag_mutability: 'IMMUTABLE',
      image_scanning_configuration: { scan_on_push: true },
      encryption_configuration: [{ encryption_type: 'AES256' }],
      force_delete: false,
      tags: { 'postern.dev/tenant': owner.tenant, 'postern.dev/project': owner.name },
    });
    resource(stack, 'aws_ecr_lifecycle_policy', id, {
      repository: repository.ref('name'),
      policy: JSON.stringify({
        rules: [
          {
            rulePriority: 1,
            description: 'leftovers of broken pushes; whatever was released has a tag that never moves',
            selection: {
              tagStatus: 'untagged',
              countType: 'sinceImagePushed',
              countUnit: 'days',
              countNumber: untaggedDays,
            },
            action: { type: 'expire' },
          },
        ],
      }),
    });
    return [name, repository] as const;
  });
  output(
    stack,
    'repository_urls',
    Object.fromEntries(made.map(([name, repository]) => [name, repository.ref('repository_url')])),
    'Where to push.',
  );
}
