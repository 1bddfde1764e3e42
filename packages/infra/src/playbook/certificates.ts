/** The site-configuration snippet for hosts whose certificate a private CA signed. */

export function certificates(): string {
  return `# Certificates of a private CA

Does the host's certificate come from a CA that is not publicly trusted, or is it self-signed? Then the product needs the chain:
PEM, line breaks written as \`\\n\`, one entry for each certificate.

\`\`\`json
{
  "tls.external": {
    "certificates": ["-----BEGIN CERTIFICATE-----\\n...\\n-----END CERTIFICATE-----"]
  }
}
\`\`\`

Product versions before this place existed read the older one:

\`\`\`json
{
  "experimentalFeatures": {
    "tls.external": {
      "certificates": ["-----BEGIN CERTIFICATE-----\\n...\\n-----END CERTIFICATE-----"]
    }
  }
}
\`\`\`

To print a file in that form:

\`\`\`bash
awk '{printf "%s\\\\n", $0}' chain.pem
\`\`\`
`;
}
