import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PosternError } from '@postern/core';

/** Terraform or OpenTofu on PATH, and the environment it runs in. */

type Environment = Readonly<Record<string, string | undefined>>;

/** POSTERN_TERRAFORM names one; else `terraform`, else `tofu`. */
export function findTerraform(env: Environment): string {
  const named = env['POSTERN_TERRAFORM'];
  const names = named === undefined || named === '' ? ['terraform', 'tofu'] : [named];
  const folders = (env['PATH'] ?? '').split(delimiter);
  for (const name of names) {
    const found = name.includes('/') ? [name] : folders.map((folder) => join(folder, name));
    const path = found.find((candidate) => existsSync(candidate));
    if (path !== undefined) return path;
  }
  throw new PosternError('TERRAFORM_MISSING', `neither ${names.join(' nor ')} is on PATH`, {
    hint: 'install Terraform 1.10 or newer (https://developer.hashicorp.com/terraform/install) or OpenTofu, or set POSTERN_TERRAFORM',
  });
}

/** What Terraform sees: no prompts, no look for updates, and providers from POSTERN_TF_PLUGIN_DIR where it is set. */
export function terraformEnvironment(env: Environment, workFolder: string): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = {
    ...env,
    CHECKPOINT_DISABLE: '1',
    TF_IN_AUTOMATION: '1',
    TF_INPUT: '0',
    // Arguments of the operator's own would change what is parsed below.
    TF_CLI_ARGS: undefined,
  };
  const cli = env['TF_CLI_CONFIG_FILE'];
  if (cli !== undefined && !existsSync(cli)) delete result['TF_CLI_CONFIG_FILE']; // Terraform would warn at each call
  const plugins = env['POSTERN_TF_PLUGIN_DIR'];
  if (plugins !== undefined && plugins !== '' && result['TF_CLI_CONFIG_FILE'] === undefined)
    result['TF_CLI_CONFIG_FILE'] = mirrorConfig(plugins, workFolder);
  return result;
}

/** What the folder has is taken from it and from nowhere else; the rest comes from the registry. */
function mirrorConfig(plugins: string, workFolder: string): string {
  const listed = JSON.stringify(providersIn(plugins));
  const file = join(workFolder, 'mirror.rc');
  writeFileSync(
    file,
    `provider_installation {
  filesystem_mirror {
    path    = ${JSON.stringify(plugins)}
    include = ${listed}
  }
  direct {
    exclude = ${listed}
  }
}
`,
  );
  return file;
}

function providersIn(plugins: string): string[] {
  const names = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);
  return names(plugins).flatMap((host) =>
    names(join(plugins, host)).flatMap((owner) =>
      names(join(plugins, host, owner)).map((name) => `${host}/${owner}/${name}`),
    ),
  );
}
