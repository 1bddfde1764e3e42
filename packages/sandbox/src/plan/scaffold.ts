/** What `sandbox init` writes: a folder that validates, with the reasons beside the fields. PURE. */

export interface Scaffold {
  readonly name: string;
  readonly region: string;
  readonly account: string;
}

export function scaffold({
  name,
  region,
  account,
}: Scaffold): ReadonlyArray<{ readonly path: string; readonly text: string }> {
  return [
    {
      path: 'sandbox.yaml',
      text: `# The environment. Every field: postern schema Sandbox
apiVersion: postern.dev/v1
kind: Sandbox
metadata:
  name: ${name}
spec:
  provider: aws            # or: existing, for a cluster that is there already
  region: ${region}
  account: "${account}"    # a deploy with credentials of another account is refused
  network:
    vpcCIDR: 10.0.0.0/16   # private 10.0.1-3.0/24, public 10.0.101-103.0/24, one of each a zone
    nat: single            # perZone: egress survives the loss of a zone
  nodeGroups:
    - name: default
      instanceTypes: [t3a.medium]
      min: 1
      max: 4
      desired: 2
  # ci:                    # whose pipelines may push and deploy
  #   - provider: circleci
  #     organisation: 00000000-0000-0000-0000-000000000000
  gate:
    scanAgeMax: 7d
`,
    },
    {
      path: 'tenants/example.yaml',
      text: `# An organisation, and what its building blocks may reach. Every field: postern schema Tenant
apiVersion: postern.dev/v1
kind: Tenant
metadata:
  name: example
spec:
  organisation: Example Organisation
  namespaces: [example]
  quotaClass: small
  podSecurity: restricted
`,
    },
    {
      path: '.gitignore',
      text: '# Local Terraform state holds secrets; what is generated is written again by: postern sandbox generate\nstate/\nterraform/\nkube/\n.postern/\n',
    },
  ];
}
