/** EKS, family by family. */
import { accessOperations } from './access.ts';
import { clusterOperations } from './cluster.ts';
import { nodegroupOperations } from './nodegroup.ts';

export const eksOperations = { ...clusterOperations, ...nodegroupOperations, ...accessOperations };
