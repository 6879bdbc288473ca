import { BatonError } from '../lib/baton-error.ts';

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
export type MonitorSslMode = (typeof SSL_MODES)[number];

/** Where a monitor listens and how far its certificate is trusted, in libpq's words. */
export interface MonitorAddress {
  readonly host: string;
  readonly port: number;
  readonly sslmode: MonitorSslMode;
  /** A file with the CA certificate; with it, `require` verifies the CA too, as libpq does. */
  readonly sslrootcert?: string | undefined;
}

export const DEFAULT_MONITOR_PORT = 5000;

const FORM = 'A monitor URI looks like pgbaton://host:5000?sslmode=require.';

/**
 * Reads `pgbaton://host:port?sslmode=…&sslrootcert=…`. A user and a path are
 * accepted and ignored, as in `pgbaton://autoctl_node@host:5000/pgbaton`, so
 * that a pg_auto_failover URI only needs another scheme. Throws BATON_USAGE,
 * never quoting a password.
 */
export function parseMonitorUri(text: string): MonitorAddress {
  const url = toUrl(text);
  if (url.password !== '') {
    throw new BatonError('BATON_USAGE', 'the monitor URI contains a password', {
      hint: 'The token never stands in the URI: name its file with --token-file, or set PGBATON_MONITOR_TOKEN.',
    });
  }
  const host = decodeURIComponent(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  if (host === '')
    throw new BatonError('BATON_USAGE', `the monitor URI "${text}" names no host`, { hint: FORM });
  const sslmode = url.searchParams.get('sslmode') ?? 'require';
  const sslrootcert = url.searchParams.get('sslrootcert') ?? undefined;
  for (const key of url.searchParams.keys()) {
    if (key !== 'sslmode' && key !== 'sslrootcert') {
      throw new BatonError('BATON_USAGE', `the monitor URI has an unknown parameter "${key}"`, {
        hint: 'Known parameters are sslmode and sslrootcert.',
      });
    }
  }
  return {
    host,
    port: url.port === '' ? DEFAULT_MONITOR_PORT : Number(url.port),
    sslmode: toSslMode(sslmode),
    ...(sslrootcert === undefined ? {} : { sslrootcert }),
  };
}

/** The inverse of {@link parseMonitorUri}: what `show uri --monitor` prints. */
export function formatMonitorUri(address: MonitorAddress): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const query = [`sslmode=${address.sslmode}`];
  if (address.sslrootcert !== undefined) query.push(`sslrootcert=${encodeURI(address.sslrootcert)}`);
  return `pgbaton://${host}:${address.port}?${query.join('&')}`;
}

function toUrl(text: string): URL {
  const scheme = /^([a-z+]+):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== 'pgbaton') {
    throw new BatonError('BATON_USAGE', `"${withoutPassword(text)}" is not a monitor URI`, {
      detail:
        scheme === undefined
          ? 'It has no scheme.'
          : `Its scheme is "${scheme}", and a monitor's is "pgbaton".`,
      hint: FORM,
    });
  }
  try {
    return new URL(text);
  } catch (error) {
    throw new BatonError('BATON_USAGE', `"${withoutPassword(text)}" is not a monitor URI`, {
      hint: FORM,
      cause: error,
    });
  }
}

function withoutPassword(text: string): string {
  return text.replace(/\/\/[^@/]*@/, '//…@');
}

function toSslMode(text: string): MonitorSslMode {
  // libpq's `allow` and `prefer` fall back to clear text when TLS fails: whoever can cut a connection could have it so.
  const known = SSL_MODES.find((mode) => mode === text);
  if (known !== undefined) return known;
  throw new BatonError('BATON_USAGE', `sslmode "${text}" of the monitor URI is not known`, {
    hint: `Use one of ${SSL_MODES.join(', ')}.`,
  });
}
