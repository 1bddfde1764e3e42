/** Changes spread to the name servers: PENDING, then INSYNC. https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetChange.html */
import type * as sdk from '@aws-sdk/client-route-53';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { changes, type Change } from './records.ts';

const insyncAfterMs = 300;
/** Asked for later than this, a change is forgotten: the journal has it. */
const keptMs = 3_600_000;

export function makeChange(call: Call, comment: string | undefined): sdk.ChangeInfo {
  const change: Change = { ...call.born(`C${call.world.hex(20).toUpperCase()}`), region: 'global', state: 'PENDING' };
  changes.put(call.world, change);
  changes.later(call, change, 'INSYNC', insyncAfterMs);
  changes.later(call, change, 'gone', keptMs);
  return { ...show(change), ...(comment === undefined ? {} : { Comment: comment }) };
}

export const changeOperations: Operations<typeof sdk> = {
  GetChange(call, input) {
    const id = (input.Id ?? '').replace(/^\/?change\//, '');
    const change = changes.mine(call, id);
    if (change === undefined)
      throw new AwsError('NoSuchChange', `A change with the specified change ID does not exist: ${id}`, 404);
    return { ChangeInfo: show(change) };
  },
};

function show(change: Change): sdk.ChangeInfo {
  return {
    Id: `/change/${change.id}`,
    Status: change.state as sdk.ChangeStatus,
    SubmittedAt: new Date(change.createdAtMs),
  };
}
