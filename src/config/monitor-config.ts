import * as z from 'zod/mini';
import type { CamelKeys } from '../lib/camel-keys.ts';
import type { ConfigKind } from './config-file.ts';
import { DEFAULT_MONITOR_PORT, type MonitorAddress } from './monitor-uri.ts';
import { Log, Port, SslFiles, Text } from './shared-keys.ts';

const MonitorConfigFile = z.strictObject({
  role: z.literal('monitor'),
  hostname: Text,
  port: z._default(Port, DEFAULT_MONITOR_PORT),
  listen_addresses: z._default(Text, '*'),
  auth: z._default(z.enum(['token', 'trust']), 'token'),
  store: z.prefault(z.strictObject({ uri: z._default(z.nullable(Text), null) }), {}),
  ssl: z.prefault(z.strictObject(SslFiles), {}),
  events: z.prefault(
    z.strictObject({
      retention_days: z._default(z.number().check(z.minimum(0)), 30),
      retention_rows: z._default(z.int().check(z.minimum(100)), 100_000),
    }),
    {},
  ),
  log: Log,
});

/** What a monitor must know before it has opened its store. */
export type MonitorConfig = CamelKeys<z.output<typeof MonitorConfigFile>>;

/** `pgbaton.yaml` of a monitor. */
export const MONITOR_CONFIG: ConfigKind<typeof MonitorConfigFile> = {
  schema: MonitorConfigFile,
  title: "pgbaton's configuration of this monitor. Changed with an editor or with `pgbaton config set`.",
  comments: {
    role: 'Always monitor.',
    hostname: 'Host name or address under which nodes and people reach this monitor.',
    port: 'Port of the HTTP API.',
    listen_addresses: 'One address to listen on; *: all of them.',
    auth: 'token: clients bring the token of the file "token"; trust: everybody who can connect may do everything.',
    'store.uri':
      'null: it decides. etcd://host:2379,…/prefix: it observes the groups there, whose keepers decide, and decides nothing.',
    'ssl.mode': 'self-signed, off, or files (then cert_file and key_file).',
    'ssl.cert_file': 'Server certificate, PEM.',
    'ssl.key_file': 'Its private key, PEM, mode 0600.',
    'ssl.ca_file': 'CA certificate that clients should verify with, PEM; shown in the URI.',
    'events.retention_days': 'Events older than this are deleted.',
    'events.retention_rows': 'At most so many events are kept.',
    'log.level': 'fatal, error, warn, info, debug or trace.',
    'log.format': 'json, text, or auto: text on a terminal.',
  },
};

/** How nodes and people reach a monitor with this configuration: what `show uri --monitor` prints. */
export function monitorAddressOf({ hostname, port, ssl }: MonitorConfig): MonitorAddress {
  if (ssl.mode === 'off') return { host: hostname, port, sslmode: 'disable' };
  // Nobody can verify a self-signed certificate: it encrypts, and that is all.
  if (ssl.mode === 'self-signed' || ssl.caFile === null) return { host: hostname, port, sslmode: 'require' };
  return { host: hostname, port, sslmode: 'verify-full', sslrootcert: ssl.caFile };
}
