import { BatonError, ERROR_CODES, type ErrorCode } from '../lib/baton-error.ts';
import type { ErrorBody } from './schemas.ts';

/** The one place where a code gets its HTTP status. */
export const STATUS_OF_CODE: Record<ErrorCode, 400 | 401 | 403 | 404 | 409 | 500 | 502 | 503 | 504> = {
  BATON_USAGE: 400,
  BATON_CONFIG_INVALID: 400,
  BATON_REFUSED: 409,
  BATON_UNREACHABLE: 502,
  BATON_TIMEOUT: 504,
  BATON_UNAUTHORIZED: 401,
  BATON_TLS_UNTRUSTED: 502,
  BATON_FORMATION_NOT_FOUND: 404,
  BATON_FORMATION_EXISTS: 409,
  BATON_NODE_NOT_FOUND: 404,
  BATON_NODE_EXISTS: 409,
  BATON_GROUP_BUSY: 409,
  BATON_UNSAFE: 409,
  BATON_STORE_UNAVAILABLE: 503,
  BATON_STORE_OUTDATED: 409,
  BATON_COMMAND_FAILED: 500,
  BATON_POSTGRES_MISSING: 500,
  BATON_POSTGRES_START_FAILED: 500,
  BATON_POSTGRES_STOP_FAILED: 500,
  BATON_POSTGRES_QUERY_FAILED: 500,
  BATON_DATA_DIRECTORY: 409,
  BATON_SYSTEM_IDENTIFIER: 409,
  BATON_ALREADY_RUNNING: 409,
  BATON_NOT_RUNNING: 409,
  BATON_PORT_IN_USE: 409,
  BATON_PRIVILEGES: 403,
  BATON_INCIDENT_FILE: 400,
  BATON_INTERNAL: 500,
};

/** An error as it goes over the wire; its cause and stack stay in the log. */
export function toErrorBody(error: BatonError): ErrorBody {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.detail === undefined ? {} : { detail: error.detail }),
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    },
  };
}

/** The error as it was thrown on the other side. A code that only a newer side knows becomes BATON_REFUSED. */
export function fromErrorBody(body: ErrorBody): BatonError {
  const { code, message, detail, hint } = body.error;
  const known = ERROR_CODES.find((candidate) => candidate === code);
  return new BatonError(known ?? 'BATON_REFUSED', message, {
    detail:
      known === undefined ? [`The monitor's code is ${code}.`, detail].filter(Boolean).join(' ') : detail,
    hint,
  });
}
