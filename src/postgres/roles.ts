import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { startCountdown, type TimeLimit } from '../system/clock.ts';
import { capabilitiesOf } from './capabilities.ts';
import { limitOf } from './configuration.ts';
import { numberOf } from './row.ts';
import { KEEPER_ROLE, REPLICATION_ROLE, type PostgresServerOptions } from './server-options.ts';
import type { SqlSession } from './sql-session.ts';

const REWIND_FUNCTIONS = [
  'pg_ls_dir(text, boolean, boolean)',
  'pg_stat_file(text, boolean)',
  'pg_read_binary_file(text)',
  'pg_read_binary_file(text, bigint, bigint, boolean)',
];

/**
 * Makes the two roles, their rights and the schema `pgbaton`, or brings what is
 * there up to date. Needs a superuser's session on a primary. Everything
 * reaches the standbys through the WAL.
 */
export async function provideRoles(
  session: SqlSession,
  options: PostgresServerOptions,
  limit: TimeLimit,
): Promise<void> {
  const countdown = startCountdown(limit);
  const sql = async (text: string): Promise<void> => void (await session.query(text, [], limitOf(countdown)));
  const [version] = await session.query(
    `SELECT current_setting('server_version_num')::int AS version`,
    [],
    limitOf(countdown),
  );
  // Verifiers are no passwords, and still nobody's business.
  await sql(
    `SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic'`,
  );

  const { secrets } = options;
  await provideRole(session, KEEPER_ROLE, limitOf(countdown));
  await provideRole(session, REPLICATION_ROLE, limitOf(countdown));
  if (secrets !== null) {
    await sql(passwordStatement(KEEPER_ROLE, secrets.keeperPassword, options.auth));
    await sql(passwordStatement(REPLICATION_ROLE, secrets.replicationPassword, options.auth));
  }
  const capabilities = capabilitiesOf(numberOf(version, 'version'));
  await sql(`GRANT pg_monitor TO ${KEEPER_ROLE}`);
  await sql(`GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer) TO ${KEEPER_ROLE}`);
  if (capabilities.checkpointRole) await sql(`GRANT pg_checkpoint TO ${KEEPER_ROLE}, ${REPLICATION_ROLE}`);
  for (const name of REWIND_FUNCTIONS) await sql(`GRANT EXECUTE ON FUNCTION ${name} TO ${REPLICATION_ROLE}`);

  await sql(`CREATE SCHEMA IF NOT EXISTS pgbaton AUTHORIZATION ${KEEPER_ROLE}`);
  await sql(`CREATE TABLE IF NOT EXISTS pgbaton.reign (
    term bigint PRIMARY KEY,
    node text NOT NULL,
    timeline integer NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
  )`);
  await sql(`ALTER TABLE pgbaton.reign OWNER TO ${KEEPER_ROLE}`);
  await sql(
    `COMMENT ON TABLE pgbaton.reign IS 'Which reign of pgbaton wrote the WAL from where on. Do not change.'`,
  );
}

/** Makes the database that clients use, unless it exists. */
export async function provideDatabase(session: SqlSession, dbname: string, limit: TimeLimit): Promise<void> {
  if (dbname === 'postgres') return;
  const found = await session.query('SELECT 1 FROM pg_database WHERE datname = $1', [dbname], limit);
  if (found.length === 0) await session.query(`CREATE DATABASE ${quoteIdentifier(dbname)}`, [], limit);
}

async function provideRole(session: SqlSession, name: string, limit: TimeLimit): Promise<void> {
  const found = await session.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name], limit);
  const verb = found.length === 0 ? 'CREATE' : 'ALTER';
  await session.query(`${verb} ROLE ${name} LOGIN REPLICATION NOSUPERUSER`, [], limit);
}

function passwordStatement(role: string, password: string, auth: string): string {
  const verifier = auth === 'md5' ? md5Verifier(role, password) : scramVerifier(password);
  return `ALTER ROLE ${role} PASSWORD '${verifier}'`;
}

/**
 * The SCRAM-SHA-256 verifier (RFC 5803) that PostgreSQL stores: so the password
 * itself never goes through the server. For passwords of plain ASCII, which
 * SASLprep leaves as they are; generated ones are.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16), iterations = 4_096): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}

function md5Verifier(role: string, password: string): string {
  return `md5${createHash('md5').update(`${password}${role}`).digest('hex')}`;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
