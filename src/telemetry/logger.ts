import { isatty } from 'node:tty';
import { destination, pino, type Logger as PinoLogger } from 'pino';
import { BatonError } from '../lib/baton-error.ts';
import { formatLogLine } from './log-line.ts';

/** Structured: fields first, then a sentence: `log.warn({ node }, 'the keeper is silent')`. */
export type Logger = Pick<
  PinoLogger,
  'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'isLevelEnabled' | 'level'
>;

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `auto`: one readable line on a terminal, JSON otherwise. */
  readonly format: 'auto' | 'json' | 'text';
  /** Where lines go, each with its line end; stderr when not given. */
  readonly write?: (line: string) => void;
}

/** Whatever carries one of these names never reaches a log. */
const SECRET_KEYS = [
  'password',
  'token',
  'secret',
  'secrets',
  'authorization',
  'keeper_password',
  'replication_password',
];

const STDERR = 2;

/** Writes at once, so that the last words of a process that dies are there. */
export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? writeToStderr();
  const asText = options.format === 'text' || (options.format === 'auto' && isatty(STDERR));
  return pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), censor: '[hidden]' },
      serializers: { err: serializeError },
    },
    { write: asText ? (line) => write(formatLogLine(line)) : write },
  );
}

/** For tests and for parts that are used without a log. */
export const SILENT_LOGGER: Logger = pino({ enabled: false });

function writeToStderr(): (line: string) => void {
  const stderr = destination({ dest: STDERR, sync: true });
  return (line) => stderr.write(line);
}

function serializeError(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? {} : { cause: serializeError(thrown.cause) };
  if (thrown instanceof BatonError) {
    const { code, message, detail, hint } = thrown;
    // The stack of an expected failure says nothing to an operator; that of a bug is all there is.
    return {
      code,
      message,
      detail,
      hint,
      ...(code === 'BATON_INTERNAL' ? { stack: thrown.stack } : {}),
      ...cause,
    };
  }
  const code = 'code' in thrown ? { code: thrown.code } : {};
  return { ...code, message: thrown.message, stack: thrown.stack, ...cause };
}
