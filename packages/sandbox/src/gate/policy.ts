/** What an environment asks of evidence. The bands themselves are not a setting: they are the sandbox's promise. */
import { durationField } from '@postern/core';
import { z } from 'zod';

const dayMs = 86_400_000;

export const gatePolicySchema = z
  .strictObject({
    scanAgeMax: durationField({ minMs: 60_000, maxMs: 90 * dayMs })
      .optional()
      .describe('How old a scan may be (7d): vulnerability databases change daily.'),
    testAgeMax: durationField({ minMs: 60_000, maxMs: 365 * dayMs })
      .optional()
      .describe('How old a dated test run may be (30d).'),
    waiverLifetimeMax: durationField({ minMs: dayMs, maxMs: 3650 * dayMs })
      .optional()
      .describe('How far ahead a waiver may expire; unset: no limit.'),
  })
  .describe('What the gate asks of evidence.');

export interface GatePolicy {
  readonly scanAgeMaxMs: number;
  readonly testAgeMaxMs: number;
  readonly waiverLifetimeMaxMs?: number;
}

/** Scanners' clocks and ours differ by seconds, not minutes. */
export const futureSkewMs = 5 * 60_000;

export const defaultPolicy: GatePolicy = { scanAgeMaxMs: 7 * dayMs, testAgeMaxMs: 30 * dayMs };

export function toPolicy(spec: z.infer<typeof gatePolicySchema> | undefined): GatePolicy {
  return {
    scanAgeMaxMs: spec?.scanAgeMax ?? defaultPolicy.scanAgeMaxMs,
    testAgeMaxMs: spec?.testAgeMax ?? defaultPolicy.testAgeMaxMs,
    ...(spec?.waiverLifetimeMax === undefined ? {} : { waiverLifetimeMaxMs: spec.waiverLifetimeMax }),
  };
}
