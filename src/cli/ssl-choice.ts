import { resolve } from 'node:path';
import { BatonError } from '../lib/baton-error.ts';
import type { SslMode, SslOptions } from './options.ts';

/** How a server encrypts, as it stands in `pgbaton.yaml`. */
export interface SslChoice {
  readonly mode: 'self-signed' | 'off' | 'files';
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly caFile: string | null;
  readonly sslmode: SslMode;
}

/**
 * Makes one choice of the options, with the same defaults as pg_auto_failover:
 * an own authority is verified in full, a self-signed certificate only
 * encrypts. Throws BATON_USAGE when they contradict each other.
 */
export function chooseSsl(options: SslOptions, cwd: string): SslChoice {
  const { serverCert, serverKey, sslCaFile } = options;
  const hasFiles = serverCert !== undefined || serverKey !== undefined;
  const given = [options.sslSelfSigned === true, options.ssl === false, hasFiles].filter(Boolean).length;
  if (given > 1) {
    throw new BatonError('BATON_USAGE', '--ssl-self-signed, --no-ssl and --server-cert exclude each other');
  }
  if (hasFiles && (serverCert === undefined || serverKey === undefined)) {
    throw new BatonError('BATON_USAGE', '--server-cert and --server-key are needed together');
  }
  const absolute = (file: string | undefined): string | null =>
    file === undefined ? null : resolve(cwd, file);
  const sslmode = options.sslMode as SslMode | undefined;
  if (options.ssl === false) {
    if (sslmode !== undefined && sslmode !== 'disable' && sslmode !== 'prefer') {
      throw new BatonError('BATON_USAGE', `--no-ssl and --ssl-mode ${sslmode} contradict each other`);
    }
    return { mode: 'off', certFile: null, keyFile: null, caFile: null, sslmode: sslmode ?? 'prefer' };
  }
  return {
    mode: hasFiles ? 'files' : 'self-signed',
    certFile: absolute(serverCert),
    keyFile: absolute(serverKey),
    caFile: absolute(sslCaFile),
    sslmode: sslmode ?? (sslCaFile === undefined ? 'require' : 'verify-full'),
  };
}
