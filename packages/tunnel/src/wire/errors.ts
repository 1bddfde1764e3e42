import { PosternError } from '@postern/core';

/** A peer sent bytes that are not the protocol. It costs that peer its own call and nobody else anything. */
export class WireError extends PosternError {
  override readonly name = 'WireError';
  constructor(message: string) {
    super('WIRE', message);
  }
}
