import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import type { ManagedSettings } from './postgres-server.ts';
import { KEEPER_ROLE, REPLICATION_ROLE, type PostgresServerOptions } from './server-options.ts';

const BEGIN = '# pgbaton: begin. Everything up to the end mark is overwritten.';
const END = '# pgbaton: end';
const IDENT_MAP = 'pgbaton';

/** What pgbaton needs to get in, and no more; `locked` keeps everybody else out. */
export function renderHbaBlock(
  options: PostgresServerOptions,
  settings: Pick<ManagedSettings, 'locked' | 'peers'>,
  osUser: string = userInfo().username,
): string {
  const { auth } = options;
  const remote = options.ssl.mode === 'on' ? 'hostssl' : 'host';
  const map = osUser === options.username ? '' : ` map=${IDENT_MAP}`;
  const superuser = auth === 'trust' ? 'trust' : `peer${map}`;
  const keeper = options.secrets === null ? superuserlessMethod(auth) : passwordMethod(auth);
  const lines = [
    `local postgres ${KEEPER_ROLE} ${keeper}`,
    ...settings.peers.flatMap(addressesOf).flatMap((address) => [
      `${remote} replication ${REPLICATION_ROLE} ${address} ${auth}`,
      // pg_rewind reads the source's files through an ordinary session.
      `${remote} postgres ${REPLICATION_ROLE} ${address} ${auth}`,
    ]),
    ...(settings.locked ? ['local all all reject', 'host all all all reject'] : []),
    // Behind the rejects: on many machines administrators and programs work as the superuser.
    `local all ${quote(options.username)} ${superuser}`,
    ...(options.hbaLan ? [`${remote} all all samenet ${auth}`] : []),
  ];
  return [BEGIN, ...lines, END, ''].join('\n');
}

/** Lets the user that PostgreSQL runs as be the superuser when the two have different names; '' when not needed. */
export function renderIdentBlock(
  options: PostgresServerOptions,
  osUser: string = userInfo().username,
): string {
  if (osUser === options.username || options.auth === 'trust') return '';
  return [BEGIN, `${IDENT_MAP} ${quote(osUser)} ${quote(options.username)}`, END, ''].join('\n');
}

/**
 * Puts the block in front of the operator's lines, in place of an earlier one:
 * the first line that fits a connection decides, so behind them it might have
 * no say.
 */
export function mergeBlock(existing: string, block: string): string {
  const lines = existing.split('\n');
  const begin = lines.indexOf(BEGIN);
  const end = lines.indexOf(END, begin);
  const own = begin >= 0 && end > begin ? [...lines.slice(0, begin), ...lines.slice(end + 1)] : lines;
  return block + own.join('\n');
}

/** "localhost" would have to be resolved forth and back for each connection, by whatever /etc/hosts says. */
function addressesOf(host: string): readonly string[] {
  if (host === 'localhost') return ['127.0.0.1/32', '::1/128'];
  const family = isIP(host);
  return [family === 4 ? `${host}/32` : family === 6 ? `${host}/128` : host];
}

function passwordMethod(auth: string): string {
  return auth === 'trust' || auth === 'md5' || auth === 'password' ? auth : 'scram-sha-256';
}

function superuserlessMethod(auth: string): string {
  return auth === 'trust' ? 'trust' : 'reject';
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
