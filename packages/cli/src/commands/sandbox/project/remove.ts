import type { Command } from 'commander';

/** `postern sandbox project remove NAME`: takes its document away; the next deploy takes roles and access away. */
export function registerRemove(project: Command): void {
  project
    .command('remove')
    .description('remove a pipeline’s document; the next deploy removes its roles and its access')
    .argument('<name>', 'the project')
    .option('--dir <dir>', 'the sandbox’s folder', '.')
    .addHelpText('after', '\nExamples:\n  postern sandbox project remove adapter\n')
    .action(async (name: string, { dir }: { dir: string }) => {
      const { removeProject } = await import('@postern/sandbox');
      const path = await removeProject(dir, name);
      process.stdout.write(`removed ${path}\n`);
      process.stderr.write(`its roles stay until: postern sandbox deploy ${dir} --target eks --target circleci\n`);
    });
}
