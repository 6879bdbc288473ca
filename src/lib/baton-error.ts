/** Stable identifiers: documented in docs/reference/errors.md, never reused for another meaning. */
export const ERROR_CODES = [
  'BATON_USAGE',
  'BATON_CONFIG_INVALID',
  'BATON_REFUSED',
  'BATON_UNREACHABLE',
  'BATON_TIMEOUT',
  'BATON_UNAUTHORIZED',
  'BATON_TLS_UNTRUSTED',
  'BATON_FORMATION_NOT_FOUND',
  'BATON_FORMATION_EXISTS',
  'BATON_NODE_NOT_FOUND',
  'BATON_NODE_EXISTS',
  'BATON_GROUP_BUSY',
  'BATON_UNSAFE',
  'BATON_STORE_UNAVAILABLE',
  'BATON_STORE_OUTDATED',
  'BATON_COMMAND_FAILED',
  'BATON_POSTGRES_MISSING',
  'BATON_POSTGRES_START_FAILED',
  'BATON_POSTGRES_STOP_FAILED',
  'BATON_POSTGRES_QUERY_FAILED',
  'BATON_DATA_DIRECTORY',
  'BATON_SYSTEM_IDENTIFIER',
  'BATON_ALREADY_RUNNING',
  'BATON_NOT_RUNNING',
  'BATON_PORT_IN_USE',
  'BATON_PRIVILEGES',
  'BATON_INCIDENT_FILE',
  'BATON_INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorOptions {
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * An error that an operator can act on, laid out as PostgreSQL's own: a short
 * lower-case message, then DETAIL and HINT in full sentences.
 */
export class BatonError extends Error {
  override readonly name = 'BatonError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.hint = options.hint;
  }
}

/** Makes any thrown value a BatonError, for the places that catch all. */
export function toBatonError(thrown: unknown): BatonError {
  if (thrown instanceof BatonError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BatonError('BATON_INTERNAL', message, { cause: thrown });
}
