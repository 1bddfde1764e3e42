import type { Clock } from '@postern/core';
import { certificateRequest, generateKey, loadCredentials, serviceAccountProofs } from '../identity/index.ts';
import type { IdentitySource } from '../link/index.ts';

/** The identity in a service account key file, as the link needs it. */
export function fileIdentity(file: string, clock: Clock): IdentitySource {
  const credentials = loadCredentials(file);
  const proofs = serviceAccountProofs(credentials, clock);
  return {
    email: credentials.email,
    newKey: () => {
      const key = generateKey();
      return Promise.resolve({
        keyPem: key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
        publicKeySpki: key.publicKey.export({ format: 'der', type: 'spki' }),
        request: certificateRequest(key),
      });
    },
    proof: (key, serverName) => proofs.proof({ serverName, publicKeySpki: key.publicKeySpki }),
  };
}
