/** Types only: what a service's operations take and give, derived from the SDK's command classes. */
import type { Call } from '../world/call.ts';

type Handler<In, Out> = (call: Call, input: In) => Out | Promise<Out>;
/** What a handler returns: the SDK's output without what its client adds, and with undefined where a member is absent. */
type Output<T> = Omit<T, '$metadata'>;

/** `Operations<typeof ec2>` has a member `CreateVpc(call, input)` for each `CreateVpcCommand` of the SDK module. */
export type Operations<Sdk> = {
  readonly [K in keyof Sdk as K extends `${infer Name}Command` ? Name : never]?: Sdk[K] extends abstract new (
    ...args: never[]
  ) => {
    resolveMiddleware(
      ...args: never[]
    ): (args: { input: infer In; request?: unknown }) => Promise<{ output: infer Out }>;
  }
    ? Handler<In, Output<Out>>
    : never;
};
