/** The states of a release, and who may move it from one to the next. PURE. */
import { PosternError } from '@postern/core';

export const releaseStates = [
  'submitted',
  'blocked',
  'needs-analysis',
  'ready',
  'approved',
  'deploying',
  'deployed',
  'failed',
  'superseded',
  'rolled-back',
  'quarantined',
] as const;
export type ReleaseState = (typeof releaseStates)[number];

export type Transition =
  | { readonly kind: 'evaluate'; readonly verdict: 'pass' | 'needs-analysis' | 'refuse'; readonly vulnerable: boolean }
  | { readonly kind: 'approve' }
  | { readonly kind: 'deploy' }
  | { readonly kind: 'deployed' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'supersede' }
  | { readonly kind: 'roll-back' }
  | { readonly kind: 'restore' };

export interface Actor {
  readonly name: string;
  readonly admin: boolean;
}

export interface Who {
  readonly submitter: string;
}

/** The next state; throws when this state or this person does not allow the step. */
export function next(state: ReleaseState, transition: Transition, actor: Actor, { submitter }: Who): ReleaseState {
  const from = (...states: ReleaseState[]): void => {
    if (!states.includes(state))
      throw new PosternError(
        'RELEASE_STATE',
        `a release that is ${state} cannot be ${participle[transition.kind]}; it would have to be ${states.join(' or ')}`,
        { hint: hints[state] ?? 'postern sandbox release status shows its history' },
      );
  };
  const admin = (): void => {
    if (!actor.admin)
      throw new PosternError('RELEASE_ROLE', `${actor.name} is no admin of this sandbox`, {
        hint: 'admins are named in spec.releases.admins of the Sandbox',
      });
  };
  switch (transition.kind) {
    case 'evaluate':
      // What runs is not stopped by a scan that has grown old; it is by a vulnerability that has come to light.
      if (state === 'deployed' || state === 'quarantined')
        return transition.verdict === 'pass' ? 'deployed' : transition.vulnerable ? 'quarantined' : state;
      if (state === 'superseded' || state === 'rolled-back') return transition.vulnerable ? 'quarantined' : state;
      from('submitted', 'blocked', 'needs-analysis', 'ready', 'approved', 'failed');
      if (transition.verdict !== 'pass') return transition.verdict === 'refuse' ? 'blocked' : 'needs-analysis';
      return state === 'approved' ? 'approved' : 'ready';
    case 'approve':
      from('ready');
      admin();
      if (actor.name === submitter)
        throw new PosternError('RELEASE_ROLE', `${actor.name} submitted this release: somebody else approves it`);
      return 'approved';
    case 'deploy':
      from('approved', 'failed');
      admin();
      return 'deploying';
    case 'deployed':
      from('deploying');
      return 'deployed';
    case 'failed':
      from('deploying');
      return 'failed';
    case 'supersede':
      return state === 'deployed' ? 'superseded' : state;
    case 'roll-back':
      from('deployed', 'failed', 'quarantined');
      admin();
      return state === 'quarantined' ? 'quarantined' : 'rolled-back';
    case 'restore':
      from('superseded');
      admin();
      return 'deploying';
  }
}

const participle: Readonly<Record<Transition['kind'], string>> = {
  evaluate: 'evaluated',
  approve: 'approved',
  deploy: 'deployed',
  deployed: 'deployed',
  failed: 'failed',
  supersede: 'superseded',
  'roll-back': 'rolled back',
  restore: 'deployed again',
};

const hints: Partial<Record<ReleaseState, string>> = {
  submitted: 'postern sandbox release evaluate',
  blocked: 'its evidence refuses it: submit a repaired image as a new release',
  'needs-analysis': 'analyse its High findings and have waivers approved, then evaluate again',
  ready: 'an admin has to approve it',
  quarantined: 'a later scan found what may not run: roll back, or submit a repaired image',
};
