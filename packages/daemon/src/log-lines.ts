/** The form of a log line, and a logger without a library for daemons that run beside every pod: pino takes 4 MB. */

/** Cloud Logging's names (LogSeverity), so that its agent needs no mapping: https://cloud.google.com/logging/docs/structured-logging */
export const severities: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};

const colours: Readonly<Record<string, string>> = {
  DEBUG: '\x1b[2m',
  INFO: '',
  WARNING: '\x1b[33m',
  ERROR: '\x1b[31m',
  CRITICAL: '\x1b[31;1m',
};

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

/** As much of a logger as a small daemon needs; every pino logger is one. */
export interface PlainLogger {
  info(message: string): void;
  info(fields: object, message: string): void;
  warn(message: string): void;
  warn(fields: object, message: string): void;
  error(message: string): void;
  error(fields: object, message: string): void;
}

/** The same lines as `createLogger` writes, to standard error. */
export function createPlainLogger(name: string, stream: NodeJS.WriteStream = process.stderr): PlainLogger {
  const at = (level: string) => (first: string | object, second?: string) => {
    const [fields, message] = typeof first === 'string' ? [{}, first] : [first, second];
    const head = { severity: severities[level], time: new Date().toISOString(), logger: name };
    const json = JSON.stringify({ ...head, ...fields, message });
    stream.write(`${stream.isTTY ? prettyLine(json) : json}\n`);
  };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
