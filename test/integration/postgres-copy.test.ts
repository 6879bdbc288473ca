import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { UNSATISFIABLE_NAMES } from '../../src/core/server-settings.ts';
import { isAlive } from '../../src/system/process.ts';
import {
  bareServer,
  CALL,
  NO_SETTINGS,
  runningPrimary,
  runningStandby,
  until,
  type TestServer,
} from '../support/test-server.ts';

function lostFound(server: TestServer): readonly string[] {
  const directory = join(server.options.stateDirectory, 'lost-found');
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
}

async function crash(server: TestServer): Promise<void> {
  server.killAll();
  await until('the server to be seen as crashed', async () => (await server.observe()).status === 'crashed');
}

/** A was primary and goes on alone, B is promoted. */
async function divergedPair(
  t: Parameters<typeof runningPrimary>[0],
  timeline: number,
): Promise<[TestServer, TestServer]> {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await a.sql('CREATE TABLE shared (i int)');
  await until('the table to arrive', async () => {
    const rows = await b.sql(`SELECT to_regclass('shared') IS NOT NULL AS there`);
    return rows[0]?.['there'] === true;
  });
  await b.server.configure(NO_SETTINGS, CALL);
  await b.server.cutUpstream(CALL);
  await b.server.maintainSlots([1], CALL);
  await b.server.promote(timeline, CALL);
  return [a, b];
}

test('a copy tells its progress, and follows', async (t) => {
  const a = await runningPrimary(t, 1);
  await a.sql('CREATE TABLE copied AS SELECT generate_series(1, 100000) AS i');
  const b = await bareServer(t, 2);
  const seen: string[] = [];
  await b.server.clone(await a.asSource(2), (text) => seen.push(text), CALL);
  assert.ok(
    seen.some((text) => /^base backup, \d+ % of \d+ MB$/.test(text)),
    seen.join('\n'),
  );
  assert.equal((await b.observe()).status, 'crashed');
  await b.follow(a, 1);
  await b.server.start('standby', CALL);
  await until('the standby to stream', async () => (await b.observe()).upstream !== null);
  assert.deepEqual(await b.sql('SELECT count(*)::int AS n FROM copied'), [{ n: 100_000 }]);
  assert.deepEqual(lostFound(b), []);
  assert.ok(!existsSync(join(b.options.dataDirectory, 'pgbaton.clone')));
});

test('a fresh copy that somebody starts and promotes before its keeper starts it takes no writes', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await bareServer(t, 2);
  await b.server.clone(await a.asSource(2), () => undefined, CALL);

  const { binDirectory, dataDirectory, stateDirectory } = b.options;
  const log = join(stateDirectory, 'by-hand.log');
  const pgCtl = (...args: readonly string[]): void =>
    void execFileSync(join(binDirectory, 'pg_ctl'), [...args, '-D', dataDirectory, '-w', '-s'], { cwd: '/' });
  pgCtl('start', '-l', log);
  pgCtl('promote');
  const { role, readOnly, synchronousStandbyNames } = await b.observe();
  assert.deepEqual([role, readOnly, synchronousStandbyNames], ['primary', true, UNSATISFIABLE_NAMES]);
});

test('what a copy replaces is kept whole', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await b.server.stop('fast', CALL);
  writeFileSync(join(b.options.dataDirectory, 'precious'), 'the only copy');
  await b.server.clone(await a.asSource(2), () => undefined, CALL);
  const kept = lostFound(b);
  assert.equal(kept.length, 1);
  assert.equal(readFileSync(join(kept[0] ?? '', 'precious'), 'utf8'), 'the only copy');
  assert.ok(existsSync(join(kept[0] ?? '', 'global/pg_control')));
  assert.ok(!existsSync(join(b.options.dataDirectory, 'precious')));
});

test('a copy of another system is refused before anything is touched', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await bareServer(t, 2);
  const source = { ...(await a.asSource(2)), systemIdentifier: '7000000000000000001' };
  await assert.rejects(
    b.server.clone(source, () => undefined, CALL),
    { code: 'BATON_SYSTEM_IDENTIFIER' },
  );
  assert.deepEqual(readdirSync(b.options.dataDirectory), []);
});

test('a running server is not copied over', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await assert.rejects(
    b.server.clone(await a.asSource(2), () => undefined, CALL),
    { code: 'BATON_REFUSED' },
  );
  await assert.rejects(
    b.server.rewind(await a.asSource(2), () => undefined, CALL),
    { code: 'BATON_REFUSED' },
  );
});

test('a tablespace that is in use here stops the copy with its path', async (t) => {
  const a = await runningPrimary(t, 1);
  const path = join(a.options.stateDirectory, 'tablespace');
  mkdirSync(path);
  await a.sql(`CREATE TABLESPACE elsewhere LOCATION '${path}'`);
  const b = await bareServer(t, 2);
  await assert.rejects(
    b.server.clone(await a.asSource(2), () => undefined, CALL),
    (error: { code?: string; message: string }) =>
      error.code === 'BATON_DATA_DIRECTORY' && error.message.includes(path),
  );
});

test('a copy that is out of time leaves no program behind, and the next one succeeds', async (t) => {
  const a = await runningPrimary(t, 1);
  await a.sql('CREATE TABLE copied AS SELECT generate_series(1, 200000) AS i');
  const b = await bareServer(t, 2, { maximumBackupRate: '1M' });
  await assert.rejects(
    b.server.clone(await a.asSource(2), () => undefined, { timeoutMs: 1_500 }),
    {
      code: 'BATON_TIMEOUT',
    },
  );
  assert.equal((await b.observe()).status, 'absent');
  const quick = b.again({ maximumBackupRate: undefined });
  await until('the slot to be free', async () => {
    const rows = await a.sql('SELECT active FROM pg_replication_slots');
    return rows.every((row) => row['active'] === false);
  });
  await quick.clone(await a.asSource(2), () => undefined, CALL);
  assert.equal((await b.observe()).status, 'crashed');
});

test('a program that a killed keeper left running is ended before the next copy', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await bareServer(t, 2);
  const { readProcess } = await import('../../src/system/process.ts');
  const leftover = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  t.after(() => leftover.kill('SIGKILL'));
  const pid = leftover.pid ?? 0;
  const journal = { processGroup: pid, startTicks: readProcess(pid)?.startTicks };
  writeFileSync(join(b.options.stateDirectory, 'running-command.json'), JSON.stringify(journal));
  await b.server.clone(await a.asSource(2), () => undefined, CALL);
  assert.ok(!isAlive(pid));
});

test('a move that was interrupted half-way is finished, and nothing old is lost', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await b.server.stop('fast', CALL);
  const keptIn = join(b.options.stateDirectory, 'lost-found', 'earlier');
  mkdirSync(keptIn, { recursive: true });
  const { dataDirectory, stateDirectory } = b.options;
  writeFileSync(join(dataDirectory, 'precious'), 'the only copy');
  mkdirSync(join(dataDirectory, 'pgbaton.clone'));
  const sentinel = { work: 'clone', stage: 'move_out', keptIn };
  writeFileSync(join(stateDirectory, 'unfinished.json'), JSON.stringify(sentinel));
  assert.equal((await b.again().observe(CALL)).status, 'incomplete');
  await assert.rejects(b.server.start('standby', CALL), { code: 'BATON_DATA_DIRECTORY' });
  await b.server.clone(await a.asSource(2), () => undefined, CALL);
  assert.equal(readFileSync(join(keptIn, 'precious'), 'utf8'), 'the only copy');
  await b.follow(a, 1);
  await b.server.start('standby', CALL);
});

test('a diverged primary is rewound, and what that discards is kept with a report', async (t) => {
  const [a, b] = await divergedPair(t, 2);
  await a.sql('INSERT INTO shared VALUES (1)');
  await a.sql('INSERT INTO shared VALUES (2)');
  await b.sql('INSERT INTO shared VALUES (3)');
  await crash(a);
  const outcome = await a.server.rewind(await b.asSource(1), () => undefined, CALL);
  assert.ok(outcome.kind === 'rewound', JSON.stringify(outcome));
  assert.match(outcome.report, /^2 committed transactions/);
  const [kept = ''] = lostFound(a);
  assert.match(readFileSync(join(kept, 'report.txt'), 'utf8'), /transaction\tcommit record at/);
  assert.ok(readdirSync(kept).some((name) => /^00000001[0-9A-F]{16}$/.test(name)));

  await a.follow(b, 2);
  await a.server.start('standby', CALL);
  await until('the old primary to follow', async () => (await a.observe()).upstream !== null);
  assert.deepEqual(await a.sql('SELECT i FROM shared'), [{ i: 3 }]);
  assert.deepEqual((await a.observe()).history, (await b.observe()).history);
});

test('a crashed primary without anything of its own needs no rewind', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await a.sql('CREATE TABLE shared (i int)');
  await until('all to be flushed there', async () => {
    const [primary, standby] = await Promise.all([a.observe(), b.observe()]);
    return primary.position?.lsn === standby.position?.lsn;
  });
  await crash(a);
  await b.server.configure(NO_SETTINGS, CALL);
  await b.server.cutUpstream(CALL);
  await b.server.maintainSlots([1], CALL);
  await b.server.promote(2, CALL);
  const outcome = await a.server.rewind(await b.asSource(1), () => undefined, CALL);
  assert.deepEqual(outcome, { kind: 'not_needed' });
  assert.equal((await a.observe()).status, 'stopped');
});

test('two promotions to the same timeline number are told apart by their content', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  const c = await runningStandby(t, 3, a);
  await a.server.stop('fast', CALL);
  for (const standby of [b, c]) {
    await standby.server.configure(NO_SETTINGS, CALL);
    await standby.server.cutUpstream(CALL);
    await standby.server.promote(2, CALL);
  }
  await b.sql('CREATE TABLE only_on_b AS SELECT generate_series(1, 1000) AS i');
  await c.sql('CREATE TABLE only_on_c (i int)');
  await c.server.stop('fast', CALL);
  const outcome = await c.server.rewind(await b.asSource(3), () => undefined, CALL);
  assert.equal(outcome.kind, 'impossible', JSON.stringify(outcome));

  // Only a new copy helps, and it does.
  await c.server.clone(await b.asSource(3), () => undefined, CALL);
  await c.follow(b, 2);
  await c.server.start('standby', CALL);
  await until('the copy to follow', async () => (await c.observe()).upstream !== null);
  assert.deepEqual(await c.sql('SELECT count(*)::int AS n FROM only_on_b'), [{ n: 1000 }]);
});

test('a rewind that was interrupted is not trusted', async (t) => {
  const [a, b] = await divergedPair(t, 2);
  await crash(a);
  const sentinel = { work: 'rewind', stage: 'rewind', keptIn: '' };
  writeFileSync(join(a.options.stateDirectory, 'unfinished.json'), JSON.stringify(sentinel));
  assert.equal((await a.again().observe(CALL)).status, 'incomplete');
  await assert.rejects(a.server.start('standby', CALL), { code: 'BATON_DATA_DIRECTORY' });
  const outcome = await a.server.rewind(await b.asSource(1), () => undefined, CALL);
  assert.equal(outcome.kind, 'impossible');
  await a.server.clone(await b.asSource(1), () => undefined, CALL);
  await a.follow(b, 2);
  await a.server.start('standby', CALL);
  assert.equal(lostFound(a).length, 1);
});

test('data that may not be written is refused in words', async (t) => {
  const a = await runningPrimary(t, 1);
  await a.server.stop('fast', CALL);
  chmodSync(a.options.dataDirectory, 0o500);
  try {
    await assert.rejects(a.server.start('primary', CALL), (error: { code?: string; message: string }) => {
      assert.equal(error.code, 'BATON_DATA_DIRECTORY');
      assert.match(error.message, /permission denied/);
      return true;
    });
  } finally {
    chmodSync(a.options.dataDirectory, 0o700);
  }
});
