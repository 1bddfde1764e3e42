/** The AWS simulator: `startAwsSimulator` for tests and `postern lab aws`. See docs/guides/aws-simulator.md. */
import { randomBytes } from 'node:crypto';
import type { ListenAddress } from '@postern/core';
import { stateOf } from './control/api.ts';
import type { Entry } from './control/journal.ts';
import type { Rule, RuleInput } from './control/rules.ts';
import { listen } from './server/http.ts';
import { World } from './world/world.ts';
import { openStateFile } from './world/state-file.ts';

export type { Entry as JournalEntry } from './control/journal.ts';
export type { Rule, RuleInput } from './control/rules.ts';
export type { World } from './world/world.ts';
export { pages as controlPages } from './control/api.ts';
export { readRules } from './control/rules-file.ts';

export interface SimulatorOptions {
  readonly listen?: ListenAddress;
  /** A SQLite file that keeps the world over restarts; without it the world is in memory. */
  readonly stateFile?: string;
  readonly now?: () => number;
  readonly randomBytes?: (count: number) => Uint8Array;
}

export interface AwsSimulator {
  /** `http://127.0.0.1:PORT`, for AWS_ENDPOINT_URL. */
  readonly url: string;
  readonly address: ListenAddress;
  readonly world: World;
  /** Calls since a number of the journal. */
  journal(since?: number): readonly Entry[];
  rule(rule: RuleInput): Rule;
  state(): Record<string, unknown[]>;
  reset(): void;
  close(): Promise<void>;
}

export async function startAwsSimulator(options: SimulatorOptions = {}): Promise<AwsSimulator> {
  const world = new World({
    now: options.now ?? Date.now,
    randomBytes: options.randomBytes ?? ((count) => randomBytes(count)),
  });
  const file = options.stateFile === undefined ? undefined : openStateFile(options.stateFile, world);
  const server = await listen(world, options.listen ?? { host: '127.0.0.1', port: 0 }, () => file?.save());
  return {
    url: server.url,
    address: server.address,
    world,
    journal: (since = 0) => world.journal.entries({ since }),
    rule: (rule) => world.rules.add(rule),
    state: () => stateOf(world),
    reset: () => world.reset(),
    async close() {
      await server.close();
      file?.close();
    },
  };
}
