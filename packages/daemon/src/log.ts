import { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';

export type { Logger } from 'pino';

/** Cloud Logging's names (LogSeverity), so that its agent needs no mapping: https://cloud.google.com/logging/docs/structured-logging */
const severities: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};

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

const colours: Readonly<Record<string, string>> = {
  DEBUG: '\x1b[2m',
  INFO: '',
  WARNING: '\x1b[33m',
  ERROR: '\x1b[31m',
  CRITICAL: '\x1b[31;1m',
};

function prettyLines(out: NodeJS.WritableStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString().split('\n')) if (line !== '') out.write(`${prettyLine(line)}\n`);
      done();
    },
  });
}

/** `12:03:04 tunnel-agent ready server=tunnel.acme.example:50050` */
export function prettyLine(json: string): string {
  const {
    severity = 'INFO',
    time = '',
    logger = '',
    message = '',
    ...rest
  } = JSON.parse(json) as Record<string, unknown>;
  const fields = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const head = `${String(time).slice(11, 19)} ${severity === 'INFO' ? '' : `${String(severity)} `}${String(logger)}: ${String(message)}`;
  return `${colours[String(severity)] ?? ''}${head}\x1b[0m${fields.length === 0 ? '' : ` \x1b[2m${fields.join(' ')}\x1b[0m`}`;
}
