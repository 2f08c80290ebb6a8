import { pino, stdSerializers, stdTimeFunctions } from 'pino';
import { isColorSupported, prettyFactory } from 'pino-pretty';
import type { Logger } from '../core/log.ts';

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'json' | 'pretty';
  /** Where lines go, each ending in a newline; absent: standard output, written synchronously. */
  readonly destination?: { write(line: string): unknown };
}

const REDACTED = '[redacted]';

/** Field names whose value is a secret, wherever they stand in the first three levels of a log line. */
const SECRET_FIELDS = ['password', 'token', 'secret', 'authorization'];
const SECRET_PATHS = SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/**
 * The `user:password@` of a URL inside a line of JSON, up to the last `@` of the word: a password that should have been
 * percent-encoded hides too. A file URL has no authority, and stays.
 */
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)(?!\/)(?:\\.|[^\s"\\])*@/gi;

const hideUrlCredentials = (text: string): string => text.replace(URL_CREDENTIALS, `$1${REDACTED}@`);

const standardOutput = (): { write(line: string): unknown } => pino.destination({ dest: 1, sync: true });

/**
 * One line an event: `time` (ISO 8601), `level`, the fields, `msg`. Errors under `err` or `error` are written with type,
 * message and cause. Secrets are hidden by field name and inside URLs, in every field and in the message.
 */
export const createLogger = ({ level, format, destination = standardOutput() }: LoggerOptions): Logger => {
  const pretty = prettyFactory({
    colorize: format === 'pretty' && isColorSupported,
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
      redact: { paths: SECRET_PATHS, censor: REDACTED },
      hooks: { streamWrite: hideUrlCredentials },
    },
    format === 'json' ? destination : { write: (line) => destination.write(pretty(line)) },
  );
};
