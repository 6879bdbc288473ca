import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProcessesIn, isAlive, readProcess, sendSignal } from '../../src/system/process.ts';
import {
  bareServer,
  CALL,
  NO_SETTINGS,
  processList,
  runningPrimary,
  stoppedPrimary,
  until,
} from '../support/test-server.ts';

test('a new server is made, started, observed, stopped and destroyed', async (t) => {
  const node = await bareServer(t, 1, { dbname: 'app' });
  assert.equal((await node.observe()).status, 'absent');

  await node.server.initialise({ timeoutMs: 60_000 });
  const stopped = await node.observe();
  assert.equal(stopped.status, 'stopped');
  assert.equal(stopped.position?.timeline, 1);

  await node.server.configure(NO_SETTINGS, CALL);
  await node.server.start('primary', CALL);
  const running = await node.observe();
  assert.equal(running.status, 'running');
  assert.equal(running.role, 'primary');
  assert.equal(running.systemIdentifier, stopped.systemIdentifier);
  assert.deepEqual(await node.sql(`SELECT datname FROM pg_database WHERE datname = 'app'`), [
    { datname: 'app' },
  ]);
  assert.deepEqual(await node.sql(`SELECT rolsuper FROM pg_roles WHERE rolname = 'pgbaton_keeper'`), [
    { rolsuper: false },
  ]);

  await node.server.stop('fast', CALL);
  assert.equal((await node.observe()).status, 'stopped');
  await node.server.stop('fast', CALL);

  await node.server.destroy(CALL);
  assert.equal((await node.observe()).status, 'absent');
});

test('an interrupted initdb is done again from the beginning, other data is left alone', async (t) => {
  const node = await bareServer(t, 1);
  await assert.rejects(node.server.initialise({ timeoutMs: 200 }), { code: 'BATON_TIMEOUT' });
  assert.equal((await node.observe()).status, 'absent');
  await node.server.initialise({ timeoutMs: 60_000 });
  assert.equal((await node.observe()).status, 'stopped');
  await assert.rejects(node.server.initialise(CALL), { code: 'BATON_REFUSED' });
});

test('the server is no child of the process that starts it, and its end is noticed', async (t) => {
  const node = await runningPrimary(t, 1);
  const { pid } = await node.observe();
  assert.ok(pid !== null);
  await until('pg_ctl to leave', () => readProcess(pid)?.parentPid !== process.pid);
  let changes = 0;
  node.server.onChange(() => (changes += 1));
  sendSignal(pid, 'SIGKILL');
  await until('the change to be noticed', () => changes > 0);
  await until('the server to be seen as crashed', async () => (await node.observe()).status === 'crashed');
});

test('a restarted keeper finds the running server again', async (t) => {
  const node = await runningPrimary(t, 1);
  const before = await node.observe();
  const again = node.again();
  const after = await again.observe(CALL);
  assert.equal(after.status, 'running');
  assert.equal(after.pid, before.pid);
  await again.configure(NO_SETTINGS, CALL);
  assert.equal((await again.observe(CALL)).pid, before.pid);
});

test('what outlives a killed postmaster is ended before the next start', async (t) => {
  const node = await runningPrimary(t, 1);
  await node.sql('CREATE TABLE looped (i int)');
  const client = await node.connect();
  const loop = client.query('DO $$ BEGIN LOOP INSERT INTO looped VALUES (1); COMMIT; END LOOP; END $$');
  loop.catch(() => undefined);
  const postmaster = node.postmaster();
  const orphans = (): number[] =>
    findProcessesIn(node.options.dataDirectory, ['postgres'])
      .map(({ pid }) => pid)
      .filter((pid) => pid !== postmaster);
  await until('the loop to run', async () => {
    const rows = await node.sql('SELECT count(*) > 0 AS runs FROM looped');
    return rows[0]?.['runs'] === true;
  });
  sendSignal(postmaster, 'SIGKILL');
  await until('the postmaster to be gone', () => !isAlive(postmaster));
  assert.ok(orphans().length > 0, 'the loop goes on without its postmaster');

  await node.server.start('primary', CALL);
  assert.equal((await node.observe()).status, 'running');
  assert.ok(node.log.some((line) => line.includes('outlived their postmaster')));
});

test('a hung server is unresponsive, and is stopped all the same', async (t) => {
  const node = await runningPrimary(t, 1);
  await node.observe();
  const pids = findProcessesIn(node.options.dataDirectory, ['postgres']).map(({ pid }) => pid);
  for (const pid of pids) sendSignal(pid, 'SIGSTOP');
  const hung = await node.server.observe({ timeoutMs: 300 });
  assert.equal(hung.status, 'unresponsive');
  assert.equal(hung.pid, node.postmaster());
  await node.server.stop('immediate', { timeoutMs: 2_000 });
  assert.equal((await node.observe()).status, 'crashed');
});

test('a disk that hangs hides nothing of a server that lives, and blocks nobody', async (t) => {
  const node = await runningPrimary(t, 1);
  await node.observe();
  // Nobody ever reads from it, so opening it hangs as a file on a hung disk does.
  const hanging = join(node.options.dataDirectory, 'pgbaton.conf.pgbaton-new');
  execFileSync('mkfifo', [hanging]);
  for (let time = 0; time < 2; time++) {
    await assert.rejects(node.server.configure({ ...NO_SETTINGS, readOnly: true }, { timeoutMs: 900 }), {
      code: 'BATON_TIMEOUT',
    });
    const seen = await node.server.observe({ timeoutMs: 900 });
    assert.equal(seen.status, 'running', seen.detail ?? '');
  }
  // The disk is back: whoever waits for a reader has one.
  const reader = openSync(hanging, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => closeSync(reader));
  rmSync(hanging);
  await until('the disk to be used again', () =>
    node.server.configure({ ...NO_SETTINGS, readOnly: true }, CALL).then(
      () => true,
      () => false,
    ),
  );
  assert.equal((await node.observe()).readOnly, true);
});

test('a postmaster that hangs is noticed although held sessions still answer', async (t) => {
  const node = await runningPrimary(t, 1);
  await node.observe();
  sendSignal(node.postmaster(), 'SIGSTOP');
  await until('the postmaster to be missed', async () => (await node.observe()).status === 'unresponsive');
  sendSignal(node.postmaster(), 'SIGCONT');
  await until('the postmaster to be back', async () => (await node.observe()).status === 'running');
});

test('a server is starting until it lets sessions in', async (t) => {
  const node = await stoppedPrimary(t, 1);
  const starting = node.server.start('standby', CALL);
  starting.catch(() => undefined);
  const seen = new Map<string, string | null>();
  await until('the start to be over', async () => {
    const { status, detail } = await node.observe();
    seen.set(status, detail);
    return status === 'running';
  });
  await starting;
  for (const [status, detail] of seen) {
    assert.ok(['stopped', 'starting', 'running'].includes(status), `${status}: ${detail}`);
  }
});

test('a port in use is named as such', async (t) => {
  const node = await stoppedPrimary(t, 1);
  const squatter = createServer().listen(node.port, '127.0.0.1');
  t.after(() => squatter.close());
  await until('the port to be taken', () => squatter.listening);
  await assert.rejects(node.server.start('primary', CALL), { code: 'BATON_PORT_IN_USE' });
  squatter.close();
});

test('data of another system than the one that is meant are not started', async (t) => {
  const node = await stoppedPrimary(t, 1);
  const { systemIdentifier } = await node.observe();
  for (const role of ['primary', 'standby'] as const)
    await assert.rejects(node.server.start(role, CALL, '7400000000000000009'), {
      code: 'BATON_SYSTEM_IDENTIFIER',
    });
  assert.equal((await node.observe()).status, 'stopped');
  await node.server.start('primary', CALL, systemIdentifier);
});

test('a failed start carries the last lines of the log', async (t) => {
  const node = await stoppedPrimary(t, 1);
  appendFileSync(join(node.options.dataDirectory, 'postgresql.conf'), '\nshared_buffers = nonsense\n');
  await assert.rejects(node.server.start('primary', CALL), (error: { code?: string; detail?: string }) => {
    assert.equal(error.code, 'BATON_POSTGRES_START_FAILED');
    assert.match(error.detail ?? '', /shared_buffers/);
    return true;
  });
});

test('a primary has its standby.signal while it runs, and comes up as a standby when others start it', async (t) => {
  const node = await runningPrimary(t, 1);
  const signal = join(node.options.dataDirectory, 'standby.signal');
  assert.ok(existsSync(signal));
  await node.sql('CREATE TABLE kept (i int)');
  await node.sql('CHECKPOINT');
  assert.equal((await node.observe()).role, 'primary');
  node.killAll();
  await until('the server to be gone', async () => (await node.observe()).status === 'crashed');

  // As an administrator would: without pgbaton. Some machines are slow to collect a dead process, and
  // PostgreSQL takes one that is not collected for alive.
  rmSync(join(node.options.dataDirectory, 'postmaster.pid'));
  rmSync(join(node.options.socketDirectory, `.s.PGSQL.${node.port}.lock`), { force: true });
  const { binDirectory, dataDirectory, stateDirectory } = node.options;
  const log = join(stateDirectory, 'by-hand.log');
  execFileSync(join(binDirectory, 'pg_ctl'), ['start', '-D', dataDirectory, '-l', log, '-w', '-s'], {
    cwd: '/',
  });
  assert.equal((await node.observe()).role, 'standby');
  await assert.rejects(node.sql('INSERT INTO kept VALUES (1)'), /read-only/);

  await node.server.stop('fast', CALL);
  await node.server.start('primary', CALL);
  assert.equal((await node.observe()).role, 'primary');
  await node.sql('INSERT INTO kept VALUES (1)');
  assert.ok(existsSync(signal));
});

test('passwords work, and stand in one file only', async (t) => {
  const node = await bareServer(t, 1, {
    secrets: { keeperPassword: 'k33p-this-quiet', replicationPassword: 'r3pl-this-quiet' },
  });
  await node.server.initialise({ timeoutMs: 60_000 });
  await node.server.configure(NO_SETTINGS, CALL);
  await node.server.start('primary', CALL);
  await node.sql(`ALTER SYSTEM SET log_statement = 'all'`);
  await node.server.adopt(CALL);
  await node.observe();
  await until('only the keeper role to be connected', async () => {
    const rows = await node.sql(
      `SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'pgbaton_keeper'`,
    );
    return rows.length === 1 && rows[0]?.['usename'] === 'pgbaton_keeper';
  });

  const asKeeper = { user: 'pgbaton_keeper', password: 'wrong' };
  await assert.rejects(node.connect(asKeeper), /password authentication failed/);
  await node.connect({ ...asKeeper, password: 'k33p-this-quiet' });

  assert.doesNotMatch(processList(), /this-quiet/);
  assert.doesNotMatch(node.log.join('\n'), /this-quiet/);
  const { stateDirectory, dataDirectory } = node.options;
  const passfile = join(stateDirectory, 'passfile');
  assert.equal(statSync(passfile).mode & 0o777, 0o600);
  const texts = [
    ...readdirSync(stateDirectory).map((name) => join(stateDirectory, name)),
    ...['postgresql.conf', 'pgbaton.conf', 'pg_hba.conf'].map((name) => join(dataDirectory, name)),
  ];
  const holders = texts.filter(
    (path) => statSync(path).isFile() && readFileSync(path, 'utf8').includes('this-quiet'),
  );
  assert.deepEqual(holders, [passfile]);
});

test('a running server is adopted without a restart, and settings that need one are named', async (t) => {
  const node = await bareServer(t, 1, { auth: 'scram-sha-256' });
  const { binDirectory, dataDirectory, stateDirectory, socketDirectory, port } = node.options;
  const run = (name: string, ...args: string[]): void =>
    void execFileSync(join(binDirectory, name), args, { cwd: '/', stdio: 'ignore' });
  run('initdb', '-D', dataDirectory, '-N', '-U', 'postgres', '--auth-local=peer', '--auth-host=reject');
  const conf = join(dataDirectory, 'postgresql.conf');
  appendFileSync(
    conf,
    `port = ${port}\nunix_socket_directories = '${socketDirectory}'\nwal_level = minimal\nmax_wal_senders = 0\n`,
  );
  run('pg_ctl', 'start', '-D', dataDirectory, '-l', join(stateDirectory, 'by-hand.log'), '-w', '-s');
  const pid = node.postmaster();

  await assert.rejects(node.server.adopt(CALL), (error: { code?: string; detail?: string }) => {
    assert.equal(error.code, 'BATON_DATA_DIRECTORY');
    assert.match(error.detail ?? '', /wal_level/);
    assert.match(error.detail ?? '', /max_wal_senders/);
    return true;
  });
  assert.equal(node.postmaster(), pid);
  assert.ok(!existsSync(join(dataDirectory, 'standby.signal')));

  appendFileSync(conf, 'wal_level = replica\nmax_wal_senders = 10\n');
  run('pg_ctl', 'restart', '-D', dataDirectory, '-l', join(stateDirectory, 'by-hand.log'), '-w', '-s');
  const restarted = node.postmaster();
  await node.server.adopt(CALL);
  assert.equal(node.postmaster(), restarted);
  const seen = await node.observe();
  assert.equal(seen.status, 'running');
  assert.equal(seen.role, 'primary');
  assert.ok(existsSync(join(dataDirectory, 'standby.signal')));
});

test('existing data that pgbaton starts as the primary get its roles and its schema', async (t) => {
  const node = await bareServer(t, 1, { dbname: 'app' });
  const { binDirectory, dataDirectory } = node.options;
  const args = ['-D', dataDirectory, '-N', '-U', 'postgres', '--auth-local=peer', '--auth-host=reject'];
  execFileSync(join(binDirectory, 'initdb'), args, { cwd: '/', stdio: 'ignore' });
  await node.server.configure({ ...NO_SETTINGS, locked: true }, CALL);
  await node.server.start('primary', CALL);
  assert.equal((await node.observe()).role, 'primary');
  await node.server.writeMarker({ term: 1, node: '1', timeline: 1 }, CALL);
  assert.equal((await node.observe()).markerTerm, 1);
  await assert.rejects(node.connect(), /rejects connection/);
});

test('settings of ALTER SYSTEM that would win over pgbaton are removed', async (t) => {
  const node = await runningPrimary(t, 1);
  await node.sql(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`);
  await node.sql(`ALTER SYSTEM SET work_mem = '7MB'`);
  await node.server.configure({ ...NO_SETTINGS, readOnly: true }, CALL);
  const text = readFileSync(join(node.options.dataDirectory, 'postgresql.auto.conf'), 'utf8');
  assert.doesNotMatch(text, /synchronous_standby_names/);
  assert.match(text, /work_mem/);
  const seen = await node.observe();
  assert.equal(seen.readOnly, true);
  assert.equal(seen.synchronousStandbyNames, '');
});

test('a locked server lets nobody in but pgbaton', async (t) => {
  const node = await bareServer(t, 1, { auth: 'trust', secrets: null });
  await node.server.initialise({ timeoutMs: 60_000 });
  await node.server.configure(NO_SETTINGS, CALL);
  await node.server.start('primary', CALL);
  await node.connect({ host: '127.0.0.1' });
  await node.server.configure({ ...NO_SETTINGS, locked: true }, CALL);
  await until('the server to be locked', async () => {
    try {
      await node.connect({ host: '127.0.0.1' });
      return false;
    } catch {
      return true;
    }
  });
  await assert.rejects(node.connect(), /rejects connection/);
  assert.equal((await node.again().observe(CALL)).status, 'running');
  await node.server.configure(NO_SETTINGS, CALL);
  await until('the server to be open', () =>
    node.connect({ host: '127.0.0.1' }).then(
      () => true,
      () => false,
    ),
  );
});
