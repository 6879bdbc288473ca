import type { ConnectionOptions, TlsOptions } from 'node:tls';

/**
 * TLS between those who know one secret, as the keepers of a group do: each
 * side proves to the other that it has the key, and there are no certificates
 * to make, trust or renew. Fresh Diffie-Hellman keys for each connection, so
 * that who learns the key later can't read what was recorded before. Node
 * offers such keys up to TLS 1.2 only.
 */
const SUITES = {
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305:ECDHE-PSK-AES256-CBC-SHA384',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;

/** Which key is meant: there is one. */
const IDENTITY = 'pgbaton';

export function serverKeyOptions(key: Buffer): TlsOptions {
  return { ...SUITES, pskCallback: (_socket, identity) => (identity === IDENTITY ? key : null) };
}

export function clientKeyOptions(key: Buffer): ConnectionOptions {
  return {
    ...SUITES,
    pskCallback: () => ({ psk: key, identity: IDENTITY }),
    // The key proves who it is; there is no certificate that could name a host.
    checkServerIdentity: () => undefined,
    ca: [],
  };
}
