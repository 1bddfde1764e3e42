/** Stack `circleci`: the CI issuers that the account trusts, and each project's two roles. */
import { type Handle, type Resources, output, resource } from '@postern/terraform';
import type { TerraformStack } from 'cdktn';
import { type Project, type RolePurpose, roleName } from '../plan/project.ts';
import type { AwsSandbox } from '../plan/sandbox.ts';
import { audienceOf, issuerOf, permissions, roleSecondsMin, trustPolicy } from '../plan/trust.ts';

/** What the stack `eks` reads of it. */
export const deployRolesOutput = 'deploy_role_arns';

const purposes: readonly RolePurpose[] = ['push', 'deploy'];

export function identityStack(stack: TerraformStack, sandbox: AwsSandbox, projects: readonly Project[]): void {
  const { spec, name } = sandbox;
  const providers = new Map<string, Handle<Resources['aws_iam_openid_connect_provider']['attributes']>>();
  for (const ci of spec.ci ?? []) {
    const issuer = issuerOf(ci);
    if (providers.has(issuer)) continue; // all of GitHub is one issuer
    providers.set(
      issuer,
      resource(
        stack,
        'aws_iam_openid_connect_provider',
        ci.provider === 'github' ? 'github' : `circleci_${ci.organisation.replaceAll('-', '_')}`,
        {
          url: `https://${issuer}`,
          client_id_list: [audienceOf(ci)],
          // AWS checks public certificates itself; a thumbprint is for an issuer whose CA is not public.
          ...(ci.thumbprints === undefined ? {} : { thumbprint_list: ci.thumbprints }),
        },
      ),
    );
  }
  const target = { account: spec.account, region: spec.region, cluster: name };
  const roles = purposes.map((purpose) =>
    projects.map((project) => [project, addRole(stack, sandbox, project, purpose, target, providers)] as const),
  );
  const [push, deploy] = roles.map((list) =>
    Object.fromEntries(list.map(([project, role]) => [project.name, role.ref('arn')])),
  );
  output(stack, 'push_role_arns', push, 'Roles that may push, by project.');
  output(stack, deployRolesOutput, deploy, 'Roles that may deploy, by project.');
}

function addRole(
  stack: TerraformStack,
  { name, spec }: AwsSandbox,
  project: Project,
  purpose: RolePurpose,
  target: Parameters<typeof permissions>[2],
  providers: ReadonlyMap<string, { readonly address: string }>,
) {
  const id = `${project.name}_${purpose}`.replaceAll('-', '_');
  const provider = providers.get(issuerOf(project));
  const role = resource(
    stack,
    'aws_iam_role',
    id,
    {
      name: roleName(name, project.name, purpose),
      assume_role_policy: JSON.stringify(trustPolicy(spec.account, project)),
      max_session_duration: roleSecondsMin,
      tags: { 'postern.dev/tenant': project.tenant, 'postern.dev/project': project.name },
    },
    provider === undefined ? {} : { dependsOn: [provider] },
  );
  resource(stack, 'aws_iam_role_policy', id, {
    name: purpose,
    role: role.ref('id'),
    policy: JSON.stringify(permissions(project, purpose, target)),
  });
  return role;
}
