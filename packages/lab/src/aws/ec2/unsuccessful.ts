/** Calls over several ids that answer 200 and say, item by item, what went wrong. */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Call } from '../world/call.ts';

/** What `Unsuccessful` holds; a rule may refuse items that would have succeeded. */
export function eachItem(
  call: Call,
  ids: readonly string[] | undefined,
  act: (id: string) => void,
): sdk.UnsuccessfulItem[] {
  return (ids ?? []).flatMap((id) => {
    try {
      if (call.itemError !== undefined) throw new AwsError(call.itemError.code, call.itemError.message);
      act(id);
      return [];
    } catch (error) {
      // An id that is none refuses the whole call.
      if (!(error instanceof AwsError) || error.code.endsWith('.Malformed')) throw error;
      return [{ ResourceId: id, Error: { Code: error.code, Message: error.message } }];
    }
  });
}
