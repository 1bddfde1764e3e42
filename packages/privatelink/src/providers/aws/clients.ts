import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { Route53Client } from '@aws-sdk/client-route-53';
import { STSClient } from '@aws-sdk/client-sts';
import type { Clock, Secret } from '@postern/core';
import { type Call, type CallTable, type ClientOf, iamAction, type ServiceName } from './calls.ts';
import { AwsError, translateAwsError } from './errors.ts';
import { type ThrottleGate, throttleGate } from './gate.ts';

/** From credentials and a region to clients that can make the calls of one table. */

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
  /** Of an assumed role; undefined: they last. */
  readonly expiresAtMs?: number;
}

/** Hears of every call: for metrics, for tests that count, and for those that end the world after call n. */
export interface CallObserver {
  before?(call: CallNews): void;
  after?(call: CallNews & { readonly error: AwsError | undefined; readonly seconds: number }): void;
}

export interface CallNews {
  readonly account: string;
  readonly region: string;
  readonly action: string;
}

export interface AwsOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** One URL for every service: the simulator, or a proxy. */
  readonly endpoint?: string | undefined;
  readonly observer?: CallObserver;
}

type SdkClient = EC2Client | ElasticLoadBalancingV2Client | Route53Client | STSClient;

interface SdkSender {
  send(command: unknown, options: { abortSignal?: AbortSignal }): Promise<unknown>;
  destroy(): void;
}

/** A call that takes longer than this is lost: AWS's own SDKs give up at 60 s. */
const requestTimeoutMs = 30_000;

/** All clients of one controller: SDK clients are made once per credentials and region, gates once per account and service. */
export class AwsClients {
  readonly #options: AwsOptions;
  readonly #sdk = new Map<string, { readonly keys: string; readonly client: SdkSender }>();
  readonly #gates = new Map<string, ThrottleGate>();
  /** By table, credentials and region. The same client again for the same: others remember by it what they have seen. */
  readonly #clients = new Map<object, Map<string, { readonly keys: string; readonly client: unknown }>>();

  constructor(options: AwsOptions) {
    this.#options = options;
  }

  /**
   * The client of a call table.
   * @param who a stable name of the credentials, for gates and metrics; never the credentials themselves
   * @param keys undefined takes the ambient credentials of the process, as Hive does where no Secret is named
   */
  for<Table extends Readonly<Record<string, unknown>>>(
    table: Table,
    who: string,
    region: string,
    keys: AwsKeys | undefined,
  ): ClientOf<Table> {
    let ofTable = this.#clients.get(table);
    if (ofTable === undefined) this.#clients.set(table, (ofTable = new Map()));
    const place = `${who} ${region}`;
    const known = ofTable.get(place);
    if (known?.keys === keysId(keys)) return known.client as ClientOf<Table>;
    const entries = Object.entries(table as unknown as CallTable).map(([name, call]) => [
      name,
      (input: never, signal?: AbortSignal) => this.#invoke(call, who, region, keys, input, signal),
    ]);
    const client = Object.fromEntries(entries) as ClientOf<Table>;
    ofTable.set(place, { keys: keysId(keys), client });
    return client;
  }

  async #invoke(
    call: Call<never, unknown>,
    who: string,
    region: string,
    keys: AwsKeys | undefined,
    input: never,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const action = iamAction(call);
    const gate = this.#gate(who, call.service);
    await gate.pass(action, signal);
    const news: CallNews = { account: who, region, action };
    this.#options.observer?.before?.(news);
    const startedMs = this.#options.clock.monotonic();
    const client = this.#client(call.service, who, region, keys);
    const sending = client.send(new call.command(input), signal === undefined ? {} : { abortSignal: signal });
    const answer = await sending.then(
      (output) => ({ output }),
      (error: unknown) => ({ error }),
    );
    if ('output' in answer) {
      gate.succeeded();
      this.#report(news, startedMs, undefined);
      return answer.output;
    }
    const error = translateAwsError(answer.error, action);
    if (!(error instanceof AwsError)) throw error;
    this.#report(news, startedMs, error);
    if (error.kind !== 'throttled') throw error;
    throw new AwsError(action, error.awsCode, 'too many requests', {
      cause: answer.error,
      kind: 'throttled',
      retryAfterMs: gate.throttled(),
    });
  }

  #report(news: CallNews, startedMs: number, error: AwsError | undefined): void {
    const seconds = (this.#options.clock.monotonic() - startedMs) / 1000;
    this.#options.observer?.after?.({ ...news, error, seconds });
  }

  #gate(who: string, service: ServiceName): ThrottleGate {
    const key = `${who} ${service}`;
    let gate = this.#gates.get(key);
    if (gate === undefined) this.#gates.set(key, (gate = throttleGate(this.#options.clock, this.#options.random)));
    return gate;
  }

  #client(service: ServiceName, who: string, region: string, keys: AwsKeys | undefined): SdkSender {
    const place = `${service} ${who} ${region}`;
    const id = keysId(keys);
    const known = this.#sdk.get(place);
    if (known?.keys === id) return known.client;
    known?.client.destroy();
    const client = make(service, region, keys, this.#options.endpoint) as unknown as SdkSender;
    this.#sdk.set(place, { keys: id, client });
    return client;
  }

  close(): void {
    for (const { client } of this.#sdk.values()) client.destroy();
    this.#sdk.clear();
  }
}

function keysId(keys: AwsKeys | undefined): string {
  return `${keys?.accessKeyId ?? ''} ${keys?.expiresAtMs ?? ''}`;
}

function make(
  service: ServiceName,
  region: string,
  keys: AwsKeys | undefined,
  endpoint: string | undefined,
): SdkClient {
  const config = {
    region,
    // Our own gate and queue retry: the SDK's retries would hold a worker and hide the throttling from the account.
    maxAttempts: 1,
    requestHandler: {
      requestTimeout: requestTimeoutMs,
      connectionTimeout: 10_000,
      httpsAgent: { maxSockets: 50 },
      httpAgent: { maxSockets: 50 },
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(keys === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: keys.accessKeyId,
            secretAccessKey: keys.secretAccessKey.reveal(),
            ...(keys.sessionToken === undefined ? {} : { sessionToken: keys.sessionToken.reveal() }),
          },
        }),
  };
  switch (service) {
    case 'ec2':
      return new EC2Client(config);
    case 'elasticloadbalancing':
      return new ElasticLoadBalancingV2Client(config);
    case 'route53':
      return new Route53Client(config);
    case 'sts':
      return new STSClient(config);
  }
}
