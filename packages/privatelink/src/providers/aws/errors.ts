import { errorMessage, PosternError } from '@postern/core';
import { stableMessage } from '../../plan/message.ts';

/**
 * AWS's errors, translated in this one place. What an error is decides what happens next: wait, retry with backoff, or stop
 * and say so.
 */
export type AwsErrorKind =
  /** The thing is not there (or not yet: AWS is eventually consistent). */
  | 'not-found'
  /** Too many calls: the whole account backs off. */
  | 'throttled'
  /** The credentials are good but may not do this. */
  | 'denied'
  /** The credentials themselves are missing, wrong or out of date. */
  | 'credentials'
  /** A quota is used up. */
  | 'limit'
  /** Something else must be finished or removed first. */
  | 'busy'
  /** It is there already. */
  | 'exists'
  /** The network, or AWS itself; the next try may well succeed. */
  | 'transient'
  /** The request is wrong: a VPC that does not exist, a malformed ARN. Only a changed configuration helps. */
  | 'invalid';

/** By exact code first; AWS's documentation of common and per-service errors. */
const kindByCode: Readonly<Record<string, AwsErrorKind>> = {
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  ThrottledException: 'throttled',
  RequestLimitExceeded: 'throttled',
  RequestThrottled: 'throttled',
  RequestThrottledException: 'throttled',
  TooManyRequestsException: 'throttled',
  EC2ThrottledException: 'throttled',
  SlowDown: 'throttled',
  // Route 53 while the previous change of the same zone is not done: the remedy is the same, fewer calls.
  PriorRequestNotComplete: 'throttled',
  UnauthorizedOperation: 'denied',
  AccessDenied: 'denied',
  AccessDeniedException: 'denied',
  NotAuthorizedException: 'denied',
  OptInRequired: 'denied',
  AuthFailure: 'credentials',
  InvalidClientTokenId: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  IncompleteSignature: 'credentials',
  InvalidAccessKeyId: 'credentials',
  UnrecognizedClientException: 'credentials',
  ExpiredToken: 'credentials',
  ExpiredTokenException: 'credentials',
  RequestExpired: 'credentials',
  MissingAuthenticationToken: 'credentials',
  CredentialsProviderError: 'credentials',
  InvalidServiceName: 'not-found',
  LoadBalancerNotFound: 'not-found',
  NoSuchHostedZone: 'not-found',
  VPCAssociationNotFound: 'not-found',
  VPCAssociationAuthorizationNotFound: 'not-found',
  VpcEndpointLimitExceeded: 'limit',
  VpcEndpointServiceLimitExceeded: 'limit',
  TooManyHostedZones: 'limit',
  TooManyVPCAssociationAuthorizations: 'limit',
  LimitsExceeded: 'limit',
  DelegationSetNotReusable: 'invalid',
  DependencyViolation: 'busy',
  ExistingVpcEndpointConnections: 'busy',
  ResourceInUse: 'busy',
  HostedZoneNotEmpty: 'busy',
  ConcurrentModification: 'busy',
  IncorrectState: 'busy',
  InvalidState: 'busy',
  InvalidVpcEndpointState: 'busy',
  HostedZoneAlreadyExists: 'exists',
  ConflictingDomainExists: 'exists',
  InternalError: 'transient',
  InternalFailure: 'transient',
  InternalServerError: 'transient',
  ServiceUnavailable: 'transient',
  ServiceUnavailableException: 'transient',
  Unavailable: 'transient',
  RequestTimeout: 'transient',
  TimeoutError: 'transient',
  NetworkingError: 'transient',
};

const kindByPattern: ReadonlyArray<readonly [RegExp, AwsErrorKind]> = [
  [/\.NotFound$|NotFound$|^NoSuch/, 'not-found'],
  [/LimitExceeded$/, 'limit'],
  [/^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|UND_ERR)/, 'transient'],
];

export class AwsError extends PosternError {
  override readonly name = 'AwsError';
  readonly kind: AwsErrorKind;
  /** AWS's own code. */
  readonly awsCode: string;
  /** As IAM writes it: `ec2:CreateVpcEndpoint`. */
  readonly action: string;
  /** For a throttled call: not before this many milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    action: string,
    awsCode: string,
    message: string,
    options: { cause?: unknown; kind?: AwsErrorKind; retryAfterMs?: number } = {},
  ) {
    super('AWS', stableMessage(`${action}: ${awsCode}: ${message}`), { cause: options.cause });
    this.action = action;
    this.awsCode = awsCode;
    this.kind = options.kind ?? kindOfCode(awsCode);
    this.retryAfterMs = options.retryAfterMs;
  }
}

export function kindOfCode(code: string): AwsErrorKind {
  // The wire says LoadBalancerNotFound, the SDK LoadBalancerNotFoundException.
  const short = code.replace(/Exception$/, '');
  const known = kindByCode[code] ?? kindByCode[short];
  if (known !== undefined) return known;
  return kindByPattern.find(([pattern]) => pattern.test(short))?.[1] ?? 'invalid';
}

/** From whatever the SDK threw. An abort stays an abort. */
export function translateAwsError(error: unknown, action: string): Error {
  if (error instanceof AwsError) return error;
  if (!(error instanceof Error)) return new AwsError(action, 'Unknown', errorMessage(error), { cause: error });
  if (error.name === 'AbortError') return error;
  const { code, Code, $metadata } = error as Error & {
    code?: unknown;
    Code?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  const named = error.name !== 'Error' && error.name !== 'TypeError' ? error.name : undefined;
  const awsCode = [named, Code, code].find((name): name is string => typeof name === 'string') ?? 'Unknown';
  const status = $metadata?.httpStatusCode ?? 0;
  // A 5xx that AWS gives no known name is AWS's own trouble, whatever it calls it; so is no answer at all.
  const ours = kindOfCode(awsCode);
  const kind = ours === 'invalid' && (status >= 500 || (status === 0 && awsCode === 'Unknown')) ? 'transient' : ours;
  return new AwsError(action, awsCode, error.message, { cause: error, kind });
}

export function isAwsError(error: unknown, ...kinds: readonly AwsErrorKind[]): error is AwsError {
  return error instanceof AwsError && kinds.includes(error.kind);
}
