import { BatonError } from '../lib/baton-error.ts';

/** OpenSSL's and Node's words for a certificate that can't be trusted. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
  'HOSTNAME_MISMATCH',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/**
 * What a failed connection to the monitor at `where` (`host:port`) means for
 * the person in front of it.
 */
export function toTransportError(thrown: unknown, where: string): BatonError {
  if (thrown instanceof BatonError) return thrown;
  const code = codeOf(thrown);
  const reason = reasonOf(thrown);
  if (UNTRUSTED.has(code)) {
    return new BatonError(
      'BATON_TLS_UNTRUSTED',
      `the certificate of the monitor at ${where} is not trusted`,
      {
        detail: reason,
        hint: 'Name the CA that signed it with sslrootcert=<file> in the monitor URI, or use sslmode=require to encrypt without verifying.',
        cause: thrown,
      },
    );
  }
  if (
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'EPROTO' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG'
  ) {
    return new BatonError('BATON_UNREACHABLE', `the monitor at ${where} does not speak TLS`, {
      detail: reason,
      hint: 'If it was created with --no-ssl, use sslmode=disable in the monitor URI.',
      cause: thrown,
    });
  }
  return new BatonError('BATON_UNREACHABLE', `could not reach the monitor at ${where}`, {
    detail: reason,
    hint: hintFor(code),
    cause: thrown,
  });
}

function hintFor(code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'Is the monitor running? Start it with "pgbaton run" in its directory; "pgbaton show uri --monitor" there prints its URI.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'The host name of the monitor URI can not be resolved on this machine.';
    default:
      return 'Check the host and port of the monitor URI, the network and the firewall.';
  }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

function reasonOf(thrown: unknown): string {
  // A host with several addresses fails with one error for each of them and no message of its own.
  if (thrown instanceof AggregateError) return thrown.errors.map((each) => sentence(each)).join(' ');
  return sentence(thrown);
}

function sentence(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.endsWith('.') ? text : `${text}.`;
}
