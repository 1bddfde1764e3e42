/** Route 53, family by family. */
import { associationOperations } from './association.ts';
import { changeOperations } from './change.ts';
import { recordSetOperations } from './record-set.ts';
import { route53TagOperations } from './tags.ts';
import { zoneOperations } from './zone.ts';

export const route53Operations = {
  ...zoneOperations,
  ...associationOperations,
  ...recordSetOperations,
  ...changeOperations,
  ...route53TagOperations,
};
