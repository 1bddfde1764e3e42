/** The example instance of the tests: every feature on. */
export function exampleText({ highAvailable = true, privateDnsEnabled = false } = {}): string {
  return `apiVersion: postern.dev/v1
kind: Instance
metadata: {name: src-0123456789abcdef0123}
spec:
  infrastructure:
    gcp:
      projectID: src-0123456789abcdef0123
      region: europe-west3
      network: default
      cluster: src-cluster
      nodeCIDRs: [10.128.0.0/20]
      podCIDRs: [10.64.0.0/14]
      gke:
        blue: {additionalOauthScopes: [https://www.googleapis.com/auth/devstorage.read_only]}
    nat: {enabled: true, staticIPs: 2}
    privateCodeHost:
      enabled: true
      aws:
        accountID: "123456789012"
        region: eu-central-1
        highAvailable: ${highAvailable}
        vpcCIDR: 10.200.0.0/20
        privateLinks:
          - endpoint: com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0
            ports: [443]
            privateDnsEnabled: ${privateDnsEnabled}
    vpn: {gcpASN: 64514, awsASN: 64512, advertise: []}
    privateDNS:
      routes:
        - source: gitlab.internal.acme.example
          destination: vpce-0a1b.vpce-svc-0123456789abcdef0.eu-central-1.vpce.amazonaws.com
    connect:
      enabled: true
      sourceRanges: [203.0.113.0/24]
      agents: [dc1@acme.example]
`;
}
