/** One call while it is answered: who asks, where, and what the world lets them see. */
import type { Principal } from '../access/principal.ts';
import { AwsError } from '../error.ts';
import { partitionOf } from './partition.ts';
import type { Stored } from './kind.ts';
import type { World } from './world.ts';

export interface CallOptions {
  readonly world: World;
  readonly service: string;
  readonly action: string;
  readonly region: string;
  readonly principal: Principal;
  readonly requestId: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Throws when the caller may not do `action` to these ARNs. */
  readonly authorize: (action: string, resources: readonly string[]) => void;
  /** Where the client reached the simulator, for what answers with addresses. */
  readonly url: string;
}

export class Call {
  readonly world: World;
  readonly service: string;
  readonly action: string;
  readonly region: string;
  readonly partition: string;
  readonly principal: Principal;
  readonly account: string;
  readonly requestId: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly authorize: CallOptions['authorize'];
  readonly url: string;
  readonly now: number;
  /** Per-page and visibility effects of the rules that matched this call. */
  pageSize: number | undefined;
  emptyPage = false;
  hideNewForMs = 0;
  /** The answer to each item of a per-item call, where a rule wants a refusal. */
  itemError: { readonly code: string; readonly message: string } | undefined;

  constructor(options: CallOptions) {
    this.world = options.world;
    this.service = options.service;
    this.action = options.action;
    this.region = options.region;
    this.partition = partitionOf(options.region);
    this.principal = options.principal;
    this.account = options.principal.account;
    this.requestId = options.requestId;
    this.input = options.input;
    this.authorize = options.authorize;
    this.url = options.url;
    this.now = options.world.now();
  }

  /** Eventual consistency: a rule may keep what is new from being seen for a while. */
  hides(record: Stored): boolean {
    return this.hideNewForMs > 0 && this.now - record.createdAtMs < this.hideNewForMs;
  }

  arn(service: string, resource: string, region = this.region, account = this.account): string {
    return `arn:${this.partition}:${service}:${region}:${account}:${resource}`;
  }

  /** What every new record begins with. */
  born(
    id: string,
    tags: Record<string, string> = {},
  ): {
    id: string;
    account: string;
    region: string;
    createdAtMs: number;
    tags: Record<string, string>;
  } {
    return { id, account: this.account, region: this.region, createdAtMs: this.now, tags };
  }

  /**
   * The id that a client token made before, if this is the same request again; another request under the same token is
   * refused: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
   */
  remembered(token: string | undefined): string | undefined {
    if (token === undefined) return undefined;
    const before = this.world.remembered.get(this.#tokenKey(token));
    if (before === undefined) return undefined;
    if (before.input !== this.#inputKey())
      throw new AwsError(
        'IdempotentParameterMismatch',
        `The client token ${token} was used with other parameters before`,
      );
    return before.id;
  }

  remember(token: string | undefined, id: string): void {
    if (token !== undefined) this.world.remembered.set(this.#tokenKey(token), { input: this.#inputKey(), id });
  }

  #tokenKey(token: string): string {
    return [this.account, this.region, this.action, token].join('|');
  }

  #inputKey(): string {
    return JSON.stringify(Object.entries(this.input).toSorted(([a], [b]) => a.localeCompare(b)));
  }
}
