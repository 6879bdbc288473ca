import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findBinaries } from '../src/postgres/binaries.ts';
import { parseControlFile } from '../src/postgres/control-file.ts';
import { sleep, startCountdown, waitFor } from '../src/system/clock.ts';
import { sendSignal } from '../src/system/process.ts';
import { summarise, type Summary } from './statistics.ts';

/** What this machine needs for the same without pgbaton: nobody could be faster here. */
export interface Floor {
  /** `node -e 0`, ms. */
  readonly nodeStartMs: Summary;
  /** From SIGKILL of a primary to the first commit on its standby, which is told to promote itself at once, s. */
  readonly killS: Summary;
  /** From the fast stop of a primary to the first commit on its standby, promoted as soon as it may, s. */
  readonly stopS: Summary;
}

const TIMES = 5;
const NODE_TIMES = 11;
const LIMIT = { timeoutMs: 30_000 };

/** Two bare servers in a folder of their own, which is removed with them. */
export async function measureFloor(): Promise<Floor> {
  const [killS, stopS]: [number[], number[]] = [[], []];
  for (let time = 0; time < TIMES; time++) {
    killS.push(await changePrimary('SIGKILL'));
    stopS.push(await changePrimary('SIGINT'));
  }
  return { nodeStartMs: measureNode(), killS: summarise(killS), stopS: summarise(stopS) };
}

function measureNode(): Summary {
  const times = Array.from({ length: NODE_TIMES }, () => {
    const beganMs = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    return performance.now() - beganMs;
  });
  return summarise(times);
}

/** Ends a primary and promotes its standby; seconds until that one has committed. */
async function changePrimary(signal: 'SIGKILL' | 'SIGINT'): Promise<number> {
  const servers = await createServers();
  const { primary, standby, port } = servers;
  try {
    const session = new pg.Client({
      host: servers.directory,
      port: port + 1,
      user: 'bench',
      database: 'postgres',
    });
    session.on('error', () => undefined);
    await session.connect();
    const startup = await session.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'`,
    );
    const beganMs = performance.now();
    sendSignal(postmasterOf(primary), signal);
    if (signal === 'SIGINT') await shutDown(primary);
    await session.query('SELECT pg_promote(false)');
    await waitFor('the promotion', startCountdown(LIMIT), 5, async () => {
      // Without it a race may cost seconds: the startup process can miss the request.
      sendSignal(startup.rows[0]?.pid ?? 0, 'SIGHUP');
      const { rows } = await session.query<{ over: boolean }>('SELECT NOT pg_is_in_recovery() AS over');
      return rows[0]?.over === true ? true : undefined;
    });
    await session.query('INSERT INTO written VALUES (1)');
    const seconds = (performance.now() - beganMs) / 1_000;
    await session.end();
    return seconds;
  } finally {
    for (const data of [primary, standby])
      servers.run('pg_ctl', ['stop', '-D', data, '-m', 'immediate', '-s'], true);
    rmSync(servers.directory, { recursive: true, force: true });
  }
}

async function shutDown(data: string): Promise<void> {
  const file = join(data, 'global/pg_control');
  await waitFor('the shutdown', startCountdown(LIMIT), 2, () =>
    parseControlFile(readFileSync(file))?.state === 'shut_down' ? true : undefined,
  );
}

function postmasterOf(data: string): number {
  return Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** A primary with a table, and a standby that streams from it. */
async function createServers() {
  const { binDirectory } = await findBinaries();
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-floor-'));
  const owner = process.getuid?.() === 0 ? userPostgres() : undefined;
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
  const run = (name: string, args: readonly string[], mayFail = false): void => {
    const options = { ...owner, cwd: '/', stdio: 'ignore' } as const;
    const { status } = spawnSync(join(binDirectory, name), args, options);
    if (status !== 0 && !mayFail) throw new Error(`${name} ${args.join(' ')} failed`);
  };
  const [primary, standby] = [join(directory, 'primary'), join(directory, 'standby')];
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const start = (data: string, at: number): void =>
    run('pg_ctl', ['start', '-D', data, '-w', '-s', '-o', `-p ${at} -k ${directory} -c listen_addresses=`]);
  run('initdb', ['-D', primary, '-U', 'bench', '-A', 'trust', '--no-sync']);
  start(primary, port);
  const client = new pg.Client({ host: directory, port, user: 'bench', database: 'postgres' });
  await client.connect();
  await client.query('CREATE TABLE written (id int)');
  run('pg_basebackup', [
    '-D',
    standby,
    '-h',
    directory,
    '-p',
    String(port),
    '-U',
    'bench',
    '-R',
    '-c',
    'fast',
  ]);
  start(standby, port + 1);
  await waitFor('the standby to stream', startCountdown(LIMIT), 20, async () => {
    const { rowCount } = await client.query(`SELECT FROM pg_stat_replication WHERE state = 'streaming'`);
    return rowCount === 1 ? true : undefined;
  });
  await client.query('CHECKPOINT');
  await client.end();
  // What the start has left to do should not be measured.
  await sleep(500);
  return { directory, primary, standby, port, run };
}

function userPostgres(): { readonly uid: number; readonly gid: number } {
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
