import { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';
import { prettyLine, severities } from './log-lines.ts';

export { prettyLine } from './log-lines.ts';

export type { Logger } from 'pino';

export interface LogOptions {
  readonly level?: string;
  /** Which daemon speaks: `tunnel-agent`. */
  readonly name: string;
  /** Where the lines go; standard error unless a test listens. */
  readonly stream?: NodeJS.WritableStream & { isTTY?: boolean };
}

/** JSON lines for machines, one short coloured line an event on a terminal. */
export function createLogger({ level = 'info', name, stream = process.stderr }: LogOptions): Logger {
  return pino(
    {
      level,
      base: { logger: name },
      messageKey: 'message',
      errorKey: 'error',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ severity: severities[label] ?? 'DEFAULT' }) },
    },
    stream.isTTY === true ? prettyLines(stream) : stream,
  );
}

/** A silent logger, for tests and libraries that were given none. */
export const silentLogger: Logger = pino({ level: 'silent' });

function prettyLines(out: NodeJS.WritableStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString().split('\n')) if (line !== '') out.write(`${prettyLine(line)}\n`);
      done();
    },
  });
}
