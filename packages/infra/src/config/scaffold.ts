/** The config.yaml that `postern instance init` writes: valid as it is, every feature off, each explained where it is switched on. */

export interface ScaffoldOptions {
  readonly name: string;
  readonly projectID: string;
  readonly region: string;
  /** Where the editor finds the JSON Schema, relative to the file. */
  readonly schema: string;
}

/** A project id that Google would take: the name itself where it is long enough. */
export function defaultProjectID(name: string): string {
  const cut = name.slice(0, 30).replace(/-+$/, '');
  return cut.length >= 6 ? cut : `${cut}-project`;
}

export function scaffold({ name, projectID, region, schema }: ScaffoldOptions): string {
  return `# yaml-language-server: $schema=${schema}
# One customer's instance. Everything beside this file is generated from it: postern generate
# Check it with: postern instance validate
apiVersion: postern.dev/v1
kind: Instance
metadata:
  name: ${name}
spec:
  infrastructure:
    gcp:
      projectID: ${projectID}
      region: ${region}
      network: default # the instance's existing VPC network
      cluster: ${name} # its existing GKE cluster
      # The cluster's own ranges: who may enter the endpoints' security group, and what the router advertises.
      # nodeCIDRs: [10.156.0.0/20]
      # podCIDRs: [10.64.0.0/14]

    # Which path fits? Ask: postern instance advise

    # The host may be public, behind an allowlist of our addresses.
    nat:
      enabled: false
      staticIPs: 2

    # The host lives in AWS. Needs an AWS account of its own, dedicated to this customer.
    privateCodeHost:
      enabled: false
      # aws:
      #   accountID: "123456789012" # in quotes
      #   region: eu-central-1
      #   highAvailable: true
      #   vpcCIDR: 10.200.0.0/20 # must not overlap nodeCIDRs, podCIDRs or any subnet of the network
      #   privateLinks:
      #     - endpoint: com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0
      #       ports: [443]
      #       privateDnsEnabled: false # true only after the customer accepted the endpoint

    # Private names that the product's pods must reach under another name.
    privateDNS:
      routes: []
      # - source: gitlab.internal.acme.example
      #   destination: vpce-0a1b.vpce-svc-0123456789abcdef0.eu-central-1.vpce.amazonaws.com

    # The host is anywhere else: the customer runs an agent that dials out.
    connect:
      enabled: false
      sourceRanges: [] # where agents dial from; empty: anywhere
      agents: [] # identities, such as dc1@acme.example
`;
}
