import type { ErrorCode } from '../lib/baton-error.ts';

/** What `pgbaton` ends with. Scripts rely on them: a meaning is never changed. */
export const EXIT = { done: 0, failed: 1, usage: 2, unreachable: 3, refused: 4 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit codes in words, for the reference. */
export const EXIT_CODE_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'failed; or asked for something that is not so, as `status` of what does not run',
  2: 'wrong usage: unknown command or option, missing or malformed value; nothing was tried',
  3: 'the monitor could not be reached, or did not answer in time',
  4: 'refused because it would be unsafe or is not possible in this situation; nothing was changed',
};

/** The exit code of every error. */
export const EXIT_CODE_OF: Readonly<Record<ErrorCode, ExitCode>> = {
  BATON_USAGE: EXIT.usage,
  BATON_CONFIG_INVALID: EXIT.failed,
  BATON_REFUSED: EXIT.refused,
  BATON_UNREACHABLE: EXIT.unreachable,
  BATON_TIMEOUT: EXIT.unreachable,
  BATON_UNAUTHORIZED: EXIT.failed,
  BATON_TLS_UNTRUSTED: EXIT.unreachable,
  BATON_FORMATION_NOT_FOUND: EXIT.failed,
  BATON_FORMATION_EXISTS: EXIT.failed,
  BATON_NODE_NOT_FOUND: EXIT.failed,
  BATON_NODE_EXISTS: EXIT.failed,
  BATON_GROUP_BUSY: EXIT.failed,
  BATON_UNSAFE: EXIT.refused,
  BATON_STORE_OUTDATED: EXIT.refused,
  BATON_STORE_UNAVAILABLE: EXIT.unreachable,
  BATON_COMMAND_FAILED: EXIT.failed,
  BATON_POSTGRES_MISSING: EXIT.failed,
  BATON_POSTGRES_START_FAILED: EXIT.failed,
  BATON_POSTGRES_STOP_FAILED: EXIT.failed,
  BATON_POSTGRES_QUERY_FAILED: EXIT.failed,
  BATON_DATA_DIRECTORY: EXIT.refused,
  BATON_SYSTEM_IDENTIFIER: EXIT.refused,
  BATON_ALREADY_RUNNING: EXIT.failed,
  BATON_NOT_RUNNING: EXIT.failed,
  BATON_PORT_IN_USE: EXIT.failed,
  BATON_PRIVILEGES: EXIT.failed,
  BATON_INCIDENT_FILE: EXIT.failed,
  BATON_INTERNAL: EXIT.failed,
};
