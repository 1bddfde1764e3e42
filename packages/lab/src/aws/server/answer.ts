/** One request from wire to wire: who, what, may they, which rules bite, the handler, the answer, the journal. */
import { randomUUID } from 'node:crypto';
import { anonymous, principalOf, scopeOf, unsigned } from '../access/identify.ts';
import { authorize } from '../access/authorize.ts';
import { resourcesOf } from '../access/resources.ts';
import type { Principal } from '../access/principal.ts';
import { ModelMismatch } from '../codec/scalar.ts';
import type { Effect, Rule } from '../control/rules.ts';
import { AwsError, notSimulated } from '../error.ts';
import { requiredMembers, type ServiceModel, serviceModel, serviceNames } from '../model/service.ts';
import { handlers } from '../services.ts';
import { Call } from '../world/call.ts';
import type { World } from '../world/world.ts';
import { operationName, parseRequest, type WireReply, type WireRequest, writeError, writeReply } from './protocol.ts';
import { throttled } from './throttle.ts';

/** What the server does with the connection. */
export type Answer = { readonly kind: 'reply'; readonly reply: WireReply } | { readonly kind: 'drop' };

/** What is known of a call when it is written down. */
interface Trace {
  action: string;
  region: string;
  principal: Principal;
  input: unknown;
  rules: readonly Rule[];
}

export async function answer(world: World, request: WireRequest, url: string): Promise<Answer> {
  const begun = performance.now();
  const requestId = randomUUID();
  const trace: Trace = { action: '', region: '', principal: anonymous, input: {}, rules: [] };
  let service: ServiceModel | undefined;
  let error: AwsError | undefined;
  let result: Answer;
  try {
    const scope = scopeOf(request.headers.authorization, request.url) ?? unsignedScope(request);
    service = await findService(scope.service);
    trace.region = scope.region;
    trace.action = operationName(service, request);
    world.settle();
    result = await perform(world, request, service, scope, requestId, trace, url);
  } catch (thrown) {
    error = translate(thrown);
    result = { kind: 'reply', reply: writeError(service, error, requestId) };
  }
  const dropped = result.kind === 'drop';
  world.journal.add({
    atMs: world.now(),
    account: trace.principal.account,
    principal: trace.principal.arn,
    service: service?.name ?? '',
    action: trace.action,
    region: trace.region,
    input: trace.input,
    status: result.kind === 'reply' ? result.reply.status : 0,
    ...(error === undefined
      ? dropped
        ? { error: 'ConnectionDropped' }
        : {}
      : { error: error.code, message: error.message }),
    requestId,
    ...(request.headers['user-agent'] === undefined ? {} : { userAgent: request.headers['user-agent'] }),
    ...(trace.rules.length === 0 ? {} : { rules: trace.rules.map(({ id }) => id) }),
    changes: !/^(Describe|Get|List|Search|Lookup|BatchGet|BatchCheck|Simulate|Decode)/.test(trace.action),
    durationMs: Math.round(performance.now() - begun),
  });
  return result;
}

type Scope = NonNullable<ReturnType<typeof scopeOf>>;

/** A few STS calls carry no signature; anything else without one is refused. */
function unsignedScope(request: WireRequest): Scope {
  const action = new URLSearchParams(request.body || request.url.search).get('Action') ?? '';
  if (unsigned.has(action)) return { keyId: '', region: 'us-east-1', service: 'sts' };
  throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
}

async function findService(name: string): Promise<ServiceModel> {
  const model = serviceModel(name);
  if (model === undefined) throw notSimulated(`the service ${name}; it has ${serviceNames.join(', ')}`);
  return model;
}

async function perform(
  world: World,
  request: WireRequest,
  service: ServiceModel,
  scope: Scope,
  requestId: string,
  trace: Trace,
  url: string,
): Promise<Answer> {
  if (scope.keyId !== '') {
    const token = request.headers['x-amz-security-token'] ?? request.url.searchParams.get('X-Amz-Security-Token');
    trace.principal = principalOf(world, scope, typeof token === 'string' ? token : undefined);
  }
  const { operation, input } = parseRequest(service, request);
  trace.action = operation.name;
  trace.input = input;
  const { principal } = trace;
  trace.rules = world.rules.forCall({
    service: service.name,
    action: operation.name,
    account: principal.account,
    region: scope.region,
    principal: principal.arn,
    input,
  });
  const effects = trace.rules.map(({ effect }) => effect);
  for (const effect of effects) await before(effect, service.name, operation.name);
  if (effects.some((effect) => 'drop' in effect && effect.drop === 'before')) return { kind: 'drop' };
  requireMembers(service, operation.name, requiredMembers(operation.input), input);
  const may = (action: string, resources: readonly string[]): void =>
    authorize(world, principal, service.name, scope.region, action, resources);
  const call = new Call({
    world,
    service: service.name,
    action: operation.name,
    region: scope.region,
    principal,
    requestId,
    input,
    authorize: may,
    url,
  });
  for (const effect of effects) applyTo(call, effect);
  if (!(service.name === 'sts' && operation.name.startsWith('AssumeRole')))
    may(`${service.name}:${operation.name}`, resourcesOf(call));
  if (input['DryRun'] === true && service.name === 'ec2')
    // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (moto carries the call out)
    throw new AwsError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
  const handler = handlers[service.name]?.[operation.name];
  if (handler === undefined) throw notSimulated(`${service.name} ${operation.name}`);
  const output = (await handler(call, input as never)) as object;
  const reply = writeReply(service, operation, output, requestId);
  return effects.some((effect) => 'drop' in effect && effect.drop === 'after')
    ? { kind: 'drop' }
    : { kind: 'reply', reply };
}

async function before(effect: Effect, service: string, action: string): Promise<void> {
  if ('latencyMs' in effect) await new Promise((resolve) => setTimeout(resolve, effect.latencyMs));
  if ('throttle' in effect) throw throttled(service);
  if ('error' in effect)
    throw new AwsError(
      effect.error.code,
      effect.error.message ?? `${effect.error.code} at ${action}, by a rule of the simulator`,
      effect.error.status ?? 400,
    );
}

function applyTo(call: Call, effect: Effect): void {
  if ('pageSize' in effect) call.pageSize = effect.pageSize;
  if ('emptyPage' in effect) call.emptyPage = true;
  if ('hideNewForMs' in effect) call.hideNewForMs = effect.hideNewForMs;
  if ('unsuccessful' in effect)
    call.itemError = {
      code: effect.unsuccessful.code,
      message: effect.unsuccessful.message ?? effect.unsuccessful.code,
    };
}

function requireMembers(
  service: ServiceModel,
  action: string,
  names: readonly string[],
  input: Record<string, unknown>,
): void {
  const missing = names.find((name) => input[name] === undefined);
  if (missing === undefined) return;
  if (service.protocol === 'ec2')
    throw new AwsError('MissingParameter', `The request must contain the parameter ${missing}`);
  const code =
    service.protocol === 'rest-xml'
      ? 'InvalidInput'
      : service.protocol === 'query'
        ? 'ValidationError'
        : 'InvalidParameterException';
  throw new AwsError(code, `${action} needs ${missing}`);
}

function translate(thrown: unknown): AwsError {
  if (thrown instanceof AwsError) return thrown;
  if (thrown instanceof ModelMismatch) return new AwsError('SimulatorDefect', thrown.message, 500);
  return new AwsError(
    'SimulatorDefect',
    thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    500,
  );
}
