/** A sandbox -> the JSON of each of its Terraform stacks. */
import { type BackendPlace, type StackJson, addBackend, provider, remoteState } from '@postern/terraform';
import { App, TerraformStack } from 'cdktn';
import type { Project } from '../plan/project.ts';
import type { AwsSandbox } from '../plan/sandbox.ts';
import { eksStack } from './eks.ts';
import { deployRolesOutput, identityStack } from './identity.ts';
import { type TerraformStackName, terraformStacks } from './names.ts';
import { networkStack } from './network.ts';
import { registryStack } from './registry.ts';

const terraformVersion = '>= 1.10.0';

export interface SynthInput {
  readonly sandbox: AwsSandbox;
  readonly projects: readonly Project[];
}

export function synthesize(input: SynthInput): Map<TerraformStackName, StackJson> {
  const { sandbox } = input;
  const { state, region, account } = sandbox.spec;
  const app = new App({ outdir: '.', stackTraces: false, skipValidation: true });
  const place: BackendPlace = {
    instance: sandbox.name,
    backend:
      state?.backend === 's3'
        ? { kind: 's3', bucket: state.bucket, region: state.region ?? region }
        : { kind: 'local' },
  };
  const result = new Map<TerraformStackName, StackJson>();
  for (const name of terraformStacks) {
    const stack = new TerraformStack(app, name);
    addBackend(stack, name, place);
    stack.addOverride('terraform.required_version', terraformVersion);
    // Credentials of another account must not build there.
    provider(stack, 'aws', {
      region,
      allowed_account_ids: [account],
      default_tags: [{ tags: { 'postern.dev/sandbox': sandbox.name } }],
    });
    build(name, stack, input, place);
    stack.prepareStack();
    result.set(name, stack.toTerraform() as StackJson);
  }
  return result;
}

function build(
  name: TerraformStackName,
  stack: TerraformStack,
  { sandbox, projects }: SynthInput,
  place: BackendPlace,
): void {
  if (name === 'network') networkStack(stack, sandbox);
  else if (name === 'registry') registryStack(stack, projects);
  else if (name === 'circleci') identityStack(stack, sandbox, projects);
  else {
    remoteState(stack, 'network', place);
    remoteState(stack, 'circleci', place);
    const of = (from: string, output: string): string => `data.terraform_remote_state.${from}.outputs.${output}`;
    eksStack(stack, sandbox, projects, {
      privateSubnetIDs: `\${${of('network', 'private_subnet_ids')}}`,
      deployRoleArn: (project) => `\${${of('circleci', deployRolesOutput)}["${project}"]}`,
    });
  }
}
