/** The tunnel's bytes: frames, control messages, gRPC envelopes. PURE. */
export * from './control.ts';
export * from './errors.ts';
export * from './frame-decoder.ts';
export * from './frame-encoder.ts';
export * from './grpc.ts';
export * from './reset-code.ts';
