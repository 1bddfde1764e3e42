/** IAM, family by family. */
import { policyOperations } from './policy.ts';
import { providerOperations } from './provider.ts';
import { roleOperations } from './role.ts';
import { simulateOperations } from './simulate.ts';
import { userOperations } from './user.ts';

export const iamOperations = {
  ...roleOperations,
  ...userOperations,
  ...policyOperations,
  ...providerOperations,
  ...simulateOperations,
};
