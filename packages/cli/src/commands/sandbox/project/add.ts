import { Option, type Command } from 'commander';

interface Options {
  readonly dir: string;
  readonly provider: 'circleci' | 'github';
  readonly organisation: string;
  readonly project: string;
  readonly vcsOrigin?: string;
  readonly organisationId?: string;
  readonly projectId?: string;
  readonly tenant: string;
  readonly ref: readonly string[];
  readonly repository: readonly string[];
  readonly dryRun?: boolean;
}

const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value];

/** `postern sandbox project add NAME`: writes the Project, after its trust policy has been tried with other people's tokens. */
export function registerAdd(project: Command): void {
  project
    .command('add')
    .description(
      'add a pipeline: writes projects/NAME.yaml and prints its trust policy, tried with other people’s tokens',
    )
    .argument('<name>', 'the project’s name here')
    .option('--dir <dir>', 'the sandbox’s folder', '.')
    .addOption(
      new Option('--provider <provider>', 'the CI provider').choices(['circleci', 'github']).makeOptionMandatory(),
    )
    .requiredOption('--organisation <id>', 'CircleCI: the organisation’s UUID; GitHub: its login')
    .requiredOption('--project <id>', 'CircleCI: the project’s UUID; GitHub: the repository’s name')
    .option('--vcs-origin <repository>', 'CircleCI: the repository, github.com/acme/app')
    .option('--organisation-id <number>', 'GitHub: repository_owner_id')
    .option('--project-id <number>', 'GitHub: repository_id')
    .requiredOption('--tenant <name>', 'the tenant it deploys for')
    .option('--ref <ref>', 'an allowed ref, in full (repeatable): refs/heads/main', collect, [])
    .option('--repository <name>', 'an image repository (repeatable)', collect, [])
    .option('--dry-run', 'write nothing')
    .addHelpText(
      'after',
      `
Examples:
  postern sandbox project add adapter --provider circleci --organisation 6b37... --project 0f2f... \\
    --vcs-origin github.com/acme/adapter --tenant payments --ref refs/heads/main --repository bb/payments/adapter
  postern sandbox project add adapter --provider github --organisation acme --project adapter --project-id 42 \\
    --tenant payments --ref refs/heads/main --repository bb/payments/adapter
`,
    )
    .action(async (name: string, options: Options) => {
      const { addProject } = await import('@postern/sandbox');
      const spec = {
        provider: options.provider,
        organisation: options.organisation,
        project: options.project,
        ...(options.vcsOrigin === undefined ? {} : { vcsOrigin: options.vcsOrigin }),
        ...(options.organisationId === undefined ? {} : { organisationID: options.organisationId }),
        ...(options.projectId === undefined ? {} : { projectID: options.projectId }),
        tenant: options.tenant,
        refs: options.ref.length === 0 ? ['refs/heads/main'] : options.ref,
        repositories: options.repository.length === 0 ? [`bb/${options.tenant}/${name}`] : options.repository,
      };
      const added = await addProject(options.dir, name, spec, options.dryRun === true);
      for (const finding of added.findings) process.stderr.write(`${finding.severity}: ${finding.message}\n`);
      process.stdout.write(`${JSON.stringify(added.trust, null, 2)}\n`);
      process.stderr.write(
        `${options.dryRun === true ? 'would write' : 'wrote'} ${added.path}\nnext: postern sandbox deploy ${options.dir} --target circleci --target eks; postern sandbox pipeline generate ${name} --dir ${options.dir}\n`,
      );
    });
}
