import { basename, resolve } from 'node:path';
import type { Command } from 'commander';

/** `postern instance init DIR`: a config.yaml to start from. */
export function registerInit(instance: Command): void {
  instance
    .command('init')
    .description('write a commented config.yaml and its schema for editors; what exists stays as it is')
    .argument('<dir>', 'the instance’s directory; its name is the instance’s name')
    .option('--name <name>', 'the instance’s name')
    .option('--project <id>', 'its Google Cloud project')
    .option('--region <region>', 'its Google Cloud region', 'europe-west3')
    .addHelpText(
      'after',
      '\nExamples:\n  postern instance init instances/src-0123456789abcdef0123\n  postern instance init acme --project acme-prod-1 --region us-central1\n',
    )
    .action(async (dir: string, options: { name?: string; project?: string; region: string }) => {
      const { defaultProjectID, initInstance } = await import('@postern/infra/instance');
      const name = options.name ?? nameOf(dir);
      const projectID = options.project ?? defaultProjectID(name);
      const written = initInstance(dir, { name, projectID, region: options.region });
      if (written.includes('config.yaml'))
        process.stdout.write(`wrote ${dir}/config.yaml\nEdit it, then: postern generate ${dir}\n`);
      else process.stdout.write(`${dir}/config.yaml exists and stays as it is\n`);
    });
}

/** The directory's name as an instance's name: lower case, anything else a hyphen. */
function nameOf(dir: string): string {
  const name = basename(resolve(dir))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return name === '' ? 'instance' : name;
}
