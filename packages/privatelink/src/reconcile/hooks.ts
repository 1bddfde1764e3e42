import type { ObjectKey } from '@postern/resources';
import type { Step } from '../plan/steps.ts';

/** What the reconciler tells the outside, for logs and metrics. */
export interface ReconcileHooks {
  readonly onAct?: (key: ObjectKey, step: Step, why: string) => void;
  readonly onVerdict?: (key: ObjectKey, verdict: Verdict) => void;
  /** From the object's creation (or its first pass here) to Ready. */
  readonly onReady?: (key: ObjectKey, seconds: number) => void;
}

/** Where an object stands after a look at it. */
export interface Verdict {
  readonly state: 'ready' | 'waiting' | 'failed' | 'removing' | 'idle' | 'gone';
  readonly reason: string;
  readonly message: string;
  /** Milliseconds until the next look; undefined: at the next change. */
  readonly afterMs: number | undefined;
  /** Nothing will come of waiting here: somebody else must act first. For `--once`. */
  readonly settled: boolean;
}
