/** ECR, family by family. */
import { imageOperations } from './image.ts';
import { repositoryOperations } from './repository.ts';

export const ecrOperations = { ...repositoryOperations, ...imageOperations };
