/** An instance -> the JSON of each of its stacks. */
import { App, TerraformStack } from 'cdktn';
import type { Instance } from '../config/model.ts';
import { awsvpc } from './awsvpc.ts';
import { awsvpn } from './awsvpn.ts';
import { connectStack } from './connect.ts';
import { gke } from './gke.ts';
import { type StackName, stacksOf } from './names.ts';
import { nat } from './nat.ts';
import { addBackend, type BackendPlace, remoteState } from '@postern/terraform';
import { provider } from '@postern/terraform';

export type StackJson = Readonly<Record<string, unknown>>;

/** CDK Terrain's version, as it writes it into its manifest. */
export const synthesizerVersion = '0.24.0';

/** Newer than the oldest one with `check` blocks, state locking in buckets and -json plans as used here. */
const terraformVersion = '>= 1.10.0';

type Build = (stack: TerraformStack, instance: Instance, place: BackendPlace) => void;

const builders: Readonly<Record<StackName, Build>> = {
  nat: (stack, instance) => {
    googleProvider(stack, instance);
    nat(stack, instance);
  },
  gke: (stack, instance) => {
    googleProvider(stack, instance);
    gke(stack, instance);
  },
  connect: (stack, instance) => {
    googleProvider(stack, instance);
    connectStack(stack, instance);
  },
  awsvpc: (stack, instance) => {
    awsProvider(stack, instance);
    awsvpc(stack, instance.aws!);
  },
  awsvpn: (stack, instance, place) => {
    awsProvider(stack, instance);
    googleProvider(stack, instance);
    provider(stack, 'random');
    remoteState(stack, 'awsvpc', place);
    const of = (name: string) => `data.terraform_remote_state.awsvpc.outputs.${name}`;
    awsvpn(stack, instance, instance.aws!, {
      vpcID: `\${${of('vpc_id')}}`,
      subnetIDsByZone: of('subnet_ids_by_zone'),
      routeTableID: `\${${of('route_table_id')}}`,
    });
  },
};

function awsProvider(stack: TerraformStack, { aws, name }: Instance): void {
  provider(stack, 'aws', {
    region: aws!.region,
    // Credentials of another account must not build a customer's network there.
    allowed_account_ids: [aws!.accountID],
    default_tags: [{ tags: { 'postern.dev/instance': name } }],
  });
}

function googleProvider(stack: TerraformStack, { gcp }: Instance): void {
  provider(stack, 'google', { project: gcp.projectID, region: gcp.region });
}

export function synthesize(instance: Instance): Map<StackName, StackJson> {
  // `outdir` exists, so that the App makes no directory; nothing is written: only the JSON is taken.
  const app = new App({ outdir: '.', stackTraces: false, skipValidation: true });
  const place: BackendPlace = { backend: instance.backend, instance: instance.name };
  const result = new Map<StackName, StackJson>();
  for (const { name } of stacksOf(instance)) {
    const stack = new TerraformStack(app, name);
    addBackend(stack, name, place);
    stack.addOverride('terraform.required_version', terraformVersion);
    builders[name](stack, instance, place);
    stack.prepareStack();
    result.set(name, stack.toTerraform() as StackJson);
  }
  return result;
}
