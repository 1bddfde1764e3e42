/** What the Kubernetes manifests are made of, and of what they consist. */
import type { Problem } from '../config/check.ts';
import type { Instance } from '../config/model.ts';
import type { KnownOutputs } from '../stacks/outputs.ts';

/** The image of all three programs: pinned by digest where a lock says so. */
export interface ImageReference {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string | undefined;
}

export interface KustomizeInput {
  readonly instance: Instance;
  readonly outputs: KnownOutputs;
  readonly image: ImageReference;
  /** Names of the Services in kubernetes/base: the product's own, which it reaches without the tunnel. */
  readonly services: readonly string[];
}

/** Files by their path below kubernetes/, and what could not be known yet. */
export interface Component {
  readonly files: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}
