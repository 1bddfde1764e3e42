/** Elastic Load Balancing (version 2), family by family. */
import { listenerOperations } from './listener.ts';
import { loadBalancerOperations } from './load-balancer.ts';
import { elbTagOperations } from './tags.ts';
import { targetGroupOperations } from './target-group.ts';

export const elbOperations = {
  ...loadBalancerOperations,
  ...targetGroupOperations,
  ...listenerOperations,
  ...elbTagOperations,
};
