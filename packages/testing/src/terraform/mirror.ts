/**
 * Providers for Terraform in tests: stubs of google and random from the committed schemas, and the real AWS provider where a
 * local mirror has it (a stub otherwise, when asked for).
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { needThat } from '../need.ts';
import { repositoryRoot } from '../process.ts';

const host = 'registry.terraform.io/hashicorp';
const schemas = join(repositoryRoot, 'tools/bindings/schemas');

/** A directory in the layout of a provider mirror that holds the real AWS provider, if there is one. */
export function awsMirror(): string | undefined {
  const candidates = [
    process.env['POSTERN_TF_PLUGIN_DIR'],
    ...mirrorsOfCliConfig(process.env['TF_CLI_CONFIG_FILE']),
    join(process.env['HOME'] ?? '/', '.terraform.d/plugins'),
    '/usr/local/share/terraform/plugins',
    '/usr/share/terraform/plugins',
  ];
  return candidates.find((path) => path !== undefined && existsSync(join(path, host, 'aws')));
}

function mirrorsOfCliConfig(file: string | undefined): string[] {
  if (file === undefined || !existsSync(file)) return [];
  return [...readFileSync(file, 'utf8').matchAll(/filesystem_mirror\s*\{[^}]*?path\s*=\s*"([^"]+)"/g)].map(
    (match) => match[1]!,
  );
}

export function needAwsProvider(): string | false {
  return needThat('the AWS provider in a mirror named by POSTERN_TF_PLUGIN_DIR', awsMirror() !== undefined);
}

/**
 * Writes a provider mirror and a Terraform CLI configuration into `dir`; returns the environment that makes Terraform use
 * them and nothing else. `aws: 'stub'` takes the stub even where the real provider is there.
 */
export function terraformEnvironment(dir: string, options: { aws: 'real' | 'stub' }): NodeJS.ProcessEnv {
  const stubs = ['google', 'random', ...(options.aws === 'stub' ? ['aws'] : [])];
  const mirror = join(dir, 'mirror');
  for (const name of stubs) addStub(mirror, name);
  const real = options.aws === 'real' ? awsMirror() : undefined;
  const blocks = [
    `filesystem_mirror {\n  path = ${JSON.stringify(mirror)}\n  include = ${JSON.stringify(stubs.map((name) => `${host}/${name}`))}\n}`,
    ...(real === undefined
      ? []
      : [`filesystem_mirror {\n  path = ${JSON.stringify(real)}\n  include = ["${host}/aws"]\n}`]),
  ];
  const file = join(dir, 'terraform.rc');
  writeFileSync(file, `provider_installation {\n${blocks.join('\n')}\n}\n`);
  return {
    ...process.env,
    TF_CLI_CONFIG_FILE: file,
    // The stub speaks plain gRPC; real providers accept that too.
    TF_DISABLE_PLUGIN_TLS: '1',
    CHECKPOINT_DISABLE: '1',
    TF_IN_AUTOMATION: '1',
  };
}

function addStub(mirror: string, name: string): void {
  const schema = join(schemas, `${name}.json`);
  const { version } = JSON.parse(readFileSync(schema, 'utf8')) as { version: string };
  const platform = `${process.platform}_${arch() === 'x64' ? 'amd64' : arch()}`;
  const folder = join(mirror, host, name, version, platform);
  const program = join(folder, `terraform-provider-${name}_v${version}_x5`);
  mkdirSync(folder, { recursive: true });
  const stub = join(import.meta.dirname, 'stub-provider.ts');
  writeFileSync(
    program,
    `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${stub}' '${schema}'\n`,
  );
  chmodSync(program, 0o755);
}
