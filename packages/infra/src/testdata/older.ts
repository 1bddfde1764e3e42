/** Complete files in the older spellings, with the habits of real files: comments, blank lines, uneven spacing. */

/** The oldest: the host directly under spec, with a domain and a type. */
export const oldest = `apiVersion: postern.dev/v1
kind: Instance
metadata:
  name: src-404b40e50f4f7b202e4e   # of 2023
spec:
  infrastructure:

    gcp:
      projectID:   src-404b40e50f4f7b202e4e
      region: 'europe-west3' # Frankfurt
  # The customer's code host,
  privateCodeHost:
    aws:
      accountID: "012345678901"
      highAvailable: true
      region: eu-central-1
    # asked for by their DNS
    domain: code.acme.example # to be confirmed
    enabled: true
    type: awsvpn # the only type
`;

/** The later: one private link as an object, its flag beside it, gke directly under infrastructure. */
export const later = `apiVersion: postern.dev/v1
kind: Instance
metadata: {name: src-404b40e50f4f7b202e4e}
spec:
  infrastructure:
    gcp:
      projectID: src-404b40e50f4f7b202e4e
      region: europe-west3
    privateCodeHost:
      aws:
        accountID: "123456789012"
        highAvailable: true
        region: eu-central-1
        # privateLink represents a VPC endpoint exposed by customers
        privateLink: # one
          # Endpoint VPC Endpoint Service name
          endpoint: com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0

          # ports list of TCP ports to open
          ports:
            - 443
            - 22
        # enabled only after acceptance
        privateDnsEnabled: false
      enabled: true
      type: awsvpn
    privateDNS:
      routes:
        - source: private.acme.example
          destination: public.acme.example
          # resolverIP: 10.0.0.2
    gke:
      blue:
        additionalOauthScopes: # required for each node pool
          - https://www.googleapis.com/auth/devstorage.read_only
`;
