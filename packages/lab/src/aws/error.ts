/** What an AWS service answers when it refuses: a stable code, a sentence, an HTTP status. The protocol decides how it is written. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The simulator does not do this (yet): said in words nobody takes for an answer of AWS. */
export function notSimulated(what: string): AwsError {
  return new AwsError('NotSimulated', `the AWS simulator does not implement ${what}`, 501);
}
