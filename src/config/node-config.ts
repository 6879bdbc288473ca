import * as z from 'zod/mini';
import type { CamelKeys } from '../lib/camel-keys.ts';
import type { ConfigKind } from './config-file.ts';
import { Log, Name, Port, SslFiles, Text } from './shared-keys.ts';

const NodeConfigFile = z.strictObject({
  role: z.literal('postgres'),
  name: z._default(z.nullable(Name), null),
  formation: z._default(Name, 'default'),
  group: z._default(z.int().check(z.minimum(0)), 0),
  node_id: z._default(z.nullable(z.int().check(z.minimum(1))), null),
  monitor: z.strictObject({
    uri: Text,
    token_file: z._default(z.nullable(Text), null),
  }),
  hostname: Text,
  postgres: z.strictObject({
    data_directory: Text,
    bin_directory: z._default(z.nullable(Text), null),
    port: z._default(Port, 5432),
    listen_addresses: z._default(Text, '*'),
    socket_directory: z._default(z.nullable(Text), null),
    username: z._default(z.nullable(Text), null),
    dbname: z._default(Text, 'postgres'),
    auth: z._default(z.enum(['trust', 'scram-sha-256', 'md5', 'password', 'cert']), 'scram-sha-256'),
    hba: z._default(z.enum(['minimal', 'lan', 'skip']), 'minimal'),
  }),
  ssl: z.prefault(
    z.strictObject({
      ...SslFiles,
      sslmode: z._default(z.enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full']), 'require'),
    }),
    {},
  ),
  replication: z.prefault(
    z.strictObject({
      maximum_backup_rate: z._default(
        z
          .string()
          .check(z.regex(/^\d+[kM]?$/, { error: 'must be a rate as pg_basebackup takes it, such as 100M' })),
        '100M',
      ),
    }),
    {},
  ),
  watchdog: z.prefault(
    z.strictObject({
      mode: z._default(z.enum(['off', 'automatic', 'required']), 'off'),
      device: z._default(Text, '/dev/watchdog'),
      margin_seconds: z._default(z.int().check(z.minimum(0), z.maximum(3_600)), 5),
    }),
    {},
  ),
  candidate_priority: z._default(z.int().check(z.minimum(0), z.maximum(100)), 50),
  replication_quorum: z._default(z.boolean(), true),
  log: Log,
});

/** What a keeper must know before it has reached the monitor. */
export type NodeConfig = CamelKeys<z.output<typeof NodeConfigFile>>;

/** `pgbaton.yaml` of a node. */
export const NODE_CONFIG: ConfigKind<typeof NodeConfigFile> = {
  schema: NodeConfigFile,
  title: "pgbaton's configuration of this node. Changed with an editor or with `pgbaton config set`.",
  comments: {
    role: 'Always postgres.',
    name: 'Name in the formation; null: the monitor chose node_<id>.',
    formation: 'Formation that the node belongs to.',
    group: 'Group inside the formation.',
    node_id: 'Given by the monitor at registration. Leave it alone.',
    'monitor.uri': 'Where the monitor is: pgbaton://host:port?sslmode=require',
    'monitor.token_file': 'File with the token of the monitor; null with --auth trust.',
    hostname: 'Host name or address under which the other nodes and the clients reach this one.',
    'postgres.data_directory': 'PGDATA.',
    'postgres.bin_directory': 'Folder of pg_ctl; null: the newest that is found.',
    'postgres.port': 'Port of the server.',
    'postgres.listen_addresses': 'As in postgresql.conf.',
    'postgres.socket_directory': 'Folder of the unix socket; null: as the server is built.',
    'postgres.username': 'Superuser of the server; null: the user who runs the keeper.',
    'postgres.dbname': 'Database that the applications use; created if it is missing.',
    'postgres.auth': 'pg_hba method for the entries that pgbaton writes.',
    'postgres.hba':
      'minimal: what replication needs; lan: the local network may connect too; skip: nothing is written.',
    'ssl.mode': 'self-signed, off, or files (then cert_file and key_file).',
    'ssl.cert_file': 'Server certificate, PEM.',
    'ssl.key_file': 'Its private key, PEM, mode 0600.',
    'ssl.ca_file': 'CA certificates that the other nodes are verified with, PEM.',
    'ssl.sslmode': "How this node connects to the others, in libpq's words.",
    'replication.maximum_backup_rate':
      'Limit for base backups a second, as pg_basebackup --max-rate takes it.',
    'watchdog.mode':
      'off; automatic: used while this node is the primary, where there is one; required: without one this node is never promoted.',
    'watchdog.device':
      'Device of the kernel watchdog, which the owner of the data directory must be able to write.',
    'watchdog.margin_seconds':
      'For so long it is still fed while PostgreSQL, which is being ended, does not end.',
    candidate_priority: '0 to 100; 0: never promoted. Used at registration; later: pgbaton set node.',
    replication_quorum:
      'Whether commits may stand on this node. Used at registration; later: pgbaton set node.',
    'log.level': 'fatal, error, warn, info, debug or trace.',
    'log.format': 'json, text, or auto: text on a terminal.',
  },
};
