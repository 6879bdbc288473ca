import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isAnswering } from '../../src/core/absence.ts';
import { comparePositions } from '../../src/core/lineage.ts';
import { compareLsn } from '../../src/core/lsn.ts';
import {
  bareServer,
  CALL,
  NO_SETTINGS,
  runningPrimary,
  runningStandby,
  until,
  type TestServer,
} from '../support/test-server.ts';

test('a standby follows, and both sides tell it alike', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await a.sql('CREATE TABLE followed AS SELECT 1 AS i');
  await until('both to be at the same position', async () => {
    const [primary, standby] = await Promise.all([a.observe(), b.observe()]);
    const follower = primary.followers[0];
    return (
      compareLsn(standby.position?.lsn ?? '0/0', primary.position?.lsn ?? '0/1') === 0 &&
      follower?.flushLsn === primary.position?.lsn
    );
  });
  const [primary, standby] = await Promise.all([a.observe(), b.observe()]);
  assert.deepEqual(
    primary.followers.map(({ node, term, state }) => ({ node, term, state })),
    [{ node: 2, term: 1, state: 'streaming' }],
  );
  assert.deepEqual(standby.position, primary.position);
  assert.equal(standby.upstream?.port, a.port);
  assert.equal(standby.upstream?.term, 1);
  assert.equal(standby.receiverRunning, true);
  assert.equal(standby.role, 'standby');
});

test('an idle primary gives signs of life, and a hung one does not', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  const silence = async (): Promise<number> => (await b.observe()).upstream?.silentMs ?? 0;
  await until('silence between two signs', async () => (await silence()) > 500);
  await until('a sign of life', async () => (await silence()) < 400);
  const before = await a.sql(`SELECT pid FROM pg_stat_replication`);
  process.kill(Number(before[0]?.['pid']), 'SIGSTOP');
  await until('longer silence than an idle primary keeps', async () => (await silence()) > 2_000);
});

test('a standby with nothing to receive answers its walsender, and one that hangs does not, though it has not given up', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  const follower = async () => (await a.observe()).followers[0];
  const silences: number[] = [];
  await until('several answers to the questions of the walsender', async () => {
    silences.push((await follower())?.silentMs ?? 0);
    return silences.filter((silentMs, i) => silentMs < (silences[i - 1] ?? 0)).length >= 3;
  });
  assert.ok(Math.max(...silences) > 1_000, 'it says nothing unasked');
  assert.ok(silences.every((silentMs) => isAnswering({ silentMs })));

  const [walreceiver] = await b.sql('SELECT pid FROM pg_stat_wal_receiver');
  process.kill(Number(walreceiver?.['pid']), 'SIGSTOP');
  await until('an answer to be missing', async () => !isAnswering((await follower()) ?? { silentMs: 0 }));
  await until('the walsender to end', async () => (await follower()) === undefined);
  assert.equal((await b.observe()).upstream?.port, a.port);
});

test('a cut standby receives nothing more, also while its replay is paused', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await a.sql('CREATE TABLE written (i int)');
  await b.sql('SELECT pg_wal_replay_pause()');
  await a.sql('INSERT INTO written SELECT generate_series(1, 1000)');
  await until('the WAL to be received', async () => (await b.observe()).replayLagBytes > 0);

  await b.server.configure(NO_SETTINGS, CALL);
  const cut = await b.server.cutUpstream(CALL);
  await a.sql('INSERT INTO written SELECT generate_series(1, 1000)');
  await delay(300);
  const later = await b.observe();
  assert.equal(later.receiverRunning, false);
  assert.equal(later.upstream, null);
  assert.deepEqual(later.position, cut.position);

  // What was received before is all there, and exactly that.
  await b.sql('SELECT pg_wal_replay_resume()');
  await until('replay to run dry', async () => (await b.observe()).replayLagBytes === 0);
  assert.deepEqual(await b.sql('SELECT count(*)::int AS n FROM written'), [{ n: 1000 }]);
  assert.deepEqual((await b.server.cutUpstream(CALL)).position, cut.position);
});

test('the position of a standby without an upstream is the same before and after its restart', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await a.sql('CREATE TABLE written AS SELECT generate_series(1, 1000) AS i');
  await b.server.configure(NO_SETTINGS, CALL);
  const cut = await b.server.cutUpstream(CALL);
  await b.server.stop('fast', CALL);
  assert.deepEqual((await b.server.stoppedLineage(CALL)).position, cut.position);
  assert.deepEqual((await b.observe()).position, cut.position);
  await b.server.start('standby', CALL);
  await until('the position to be known', async () => (await b.observe()).position !== null);
  assert.deepEqual((await b.observe()).position, cut.position);
});

test('a follower goes on without a restart when it is pointed to the promoted server', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  const c = await runningStandby(t, 3, a);
  const { pid } = await c.observe();
  a.killAll();
  for (const standby of [b, c]) {
    await standby.server.configure(NO_SETTINGS, CALL);
    await standby.server.cutUpstream(CALL);
  }
  await b.server.maintainSlots([1, 3], CALL);
  const promoted = await b.server.promote(2, CALL);
  assert.equal(promoted.position.timeline, 2);
  await c.follow(b, 2);
  await b.sql('CREATE TABLE after_promotion AS SELECT 1 AS i');
  await until('the row to arrive', async () => {
    const rows = await c.sql(`SELECT to_regclass('after_promotion') IS NOT NULL AS there`);
    return rows[0]?.['there'] === true;
  });
  const seen = await c.observe();
  assert.equal(seen.pid, pid);
  assert.equal(seen.position?.timeline, 2);
  assert.deepEqual(seen.history, promoted.history);
});

test('what a promoted server is to open with is written beside the marker, and in force by a reload only', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  a.killAll();
  const closed = { ...NO_SETTINGS, readOnly: true };
  const open = { ...closed, readOnly: false };
  await b.server.configure(closed, CALL);
  await b.server.cutUpstream(CALL);
  await b.server.promote(2, CALL, { settings: closed, settingsBehindMarker: open });
  const file = join(b.options.dataDirectory, 'pgbaton.conf');
  const written = readFileSync(file, 'utf8');
  assert.match(written, /^default_transaction_read_only = '?off/m);
  assert.equal((await b.observe()).readOnly, true);
  await b.server.configure(open, CALL);
  assert.equal((await b.observe()).readOnly, false);
  assert.equal(readFileSync(file, 'utf8'), written);
});

test('a standby that received half a record ends before it, like the timeline that forks there', async (t) => {
  const a = await runningPrimary(t, 1);
  const standbys = [await runningStandby(t, 2, a), await runningStandby(t, 3, a)] as const;
  await a.sql('CREATE TABLE written (pad text)');
  const load = Array.from({ length: 6 }, () =>
    a
      .sql(`INSERT INTO written SELECT repeat(md5(i::text), 200) FROM generate_series(1, 1000000) AS i`)
      .catch(() => undefined),
  );
  await until(
    'the WAL to flow',
    async () => compareLsn((await a.observe()).position?.lsn ?? '0/0', '0/6000000') > 0,
  );
  a.killAll();
  await Promise.all(load);
  const ends = await Promise.all(
    standbys.map(async (standby) => {
      await standby.server.configure(NO_SETTINGS, CALL);
      return (await standby.server.cutUpstream(CALL)).position;
    }),
  );
  const isFirstAhead = comparePositions(ends[0]!, ends[1]!) >= 0;
  const [b, c] = isFirstAhead ? standbys : [standbys[1], standbys[0]];
  const most = (await b.server.cutUpstream(CALL)).position;
  const promoted = await b.server.promote(2, CALL);
  assert.equal(promoted.history.at(-1)?.end, most.lsn);
  const seen = await c.observe();
  assert.ok(seen.position !== null && compareLsn(seen.position.lsn, most.lsn) <= 0);
});

test('a crashed primary tells the timeline that it was promoted to before its first checkpoint', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  a.killAll();
  await b.server.configure(NO_SETTINGS, CALL);
  await b.server.cutUpstream(CALL);
  await b.server.promote(2, CALL);
  b.killAll();
  await until('the crash to be seen', async () => (await b.observe()).status === 'crashed');
  assert.equal((await b.observe()).diskTimeline, 2);
});

test('a clean shutdown for a handover leaves a standby with all of the WAL', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await a.sql('CREATE TABLE written AS SELECT generate_series(1, 1000) AS i');
  const end = await a.server.shutDownForHandover(CALL);
  await until('the standby to have the shutdown record', async () => {
    const { position } = await b.observe();
    return position !== null && compareLsn(position.lsn, end.lsn) >= 0;
  });
  assert.deepEqual((await b.observe()).position, end);
  await a.server.stop('fast', CALL);
  assert.deepEqual((await a.server.stoppedLineage(CALL)).position, end);

  await b.server.configure(NO_SETTINGS, CALL);
  await b.server.cutUpstream(CALL);
  await b.server.maintainSlots([1], CALL);
  await b.server.promote(2, CALL);
  await b.sql('INSERT INTO written VALUES (0)');
  // No rewind: the old primary simply follows.
  await a.follow(b, 2);
  await a.server.start('standby', CALL);
  await until('the old primary to have the row', async () => {
    const rows = await a.sql('SELECT count(*)::int AS n FROM written WHERE i = 0');
    return rows[0]?.['n'] === 1;
  });
});

test('a standby that hangs does not keep the primary from a clean stop', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  const rows = await b.sql(`SELECT pid FROM pg_stat_activity WHERE backend_type = 'walreceiver'`);
  const receiver = Number(rows[0]?.['pid']);
  process.kill(receiver, 'SIGSTOP');
  // More than the sockets hold, so that the walsender is stuck in the middle.
  await a.sql(
    'CREATE TABLE written AS SELECT i, repeat(md5(i::text), 10) AS t FROM generate_series(1, 100000) i',
  );
  await a.server.stop('fast', CALL);
  assert.equal((await a.observe()).status, 'stopped');
});

test('twenty promotions right after a kill are none of them slow', { timeout: 240_000 }, async (t) => {
  const first = await runningPrimary(t, 1);
  const second = await runningStandby(t, 2, first);
  await second.server.stop('fast', CALL);
  await first.server.stop('fast', CALL);
  const timesMs: number[] = [];
  for (let turn = 1; turn <= 20; turn++) {
    const primary = await copyOf(t, first);
    const standby = await copyOf(t, second);
    await primary.server.configure(NO_SETTINGS, CALL);
    await primary.server.start('primary', CALL);
    await standby.follow(primary, turn);
    await standby.server.start('standby', CALL);
    await until('the standby to stream', async () => (await standby.observe()).upstream !== null);
    // Not cut: the race is with a walreceiver that is being forked when the request arrives.
    primary.killAll();
    const begunMs = performance.now();
    await standby.server.promote(turn + 1, CALL);
    timesMs.push(performance.now() - begunMs);
    assert.equal((await standby.observe()).role, 'primary');
    await standby.server.stop('immediate', CALL);
  }
  assert.ok(Math.max(...timesMs) < 2_000, timesMs.map(Math.round).join(' '));
});

/** A stopped server's data under another server of the same node. */
async function copyOf(t: TestContext, original: TestServer): Promise<TestServer> {
  const copy = await bareServer(t, original.node);
  cpSync(original.options.dataDirectory, copy.options.dataDirectory, { recursive: true });
  return copy;
}

test('a promotion takes the timeline that it is told, past numbers that others may have used', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  const c = await runningStandby(t, 3, a);
  await b.server.configure(NO_SETTINGS, CALL);
  await b.server.cutUpstream(CALL);
  await b.server.maintainSlots([3], CALL);
  const promoted = await b.server.promote(7, CALL);
  assert.equal(promoted.position.timeline, 7);
  assert.deepEqual(
    promoted.history.map(({ timeline }) => timeline),
    [1],
  );

  await c.follow(b, 2);
  await b.sql('CREATE TABLE on_seven (i int)');
  await until(
    'a follower to be on the new timeline',
    async () => (await c.observe()).position?.timeline === 7,
  );
  await c.server.stop('fast', CALL);
  await b.server.stop('immediate', CALL);
  await b.server.start('primary', CALL);
  assert.equal((await b.observe()).position?.timeline, 7);
  await c.server.start('standby', CALL);
  await until('the follower to stream again', async () => (await c.observe()).upstream !== null);
  await assert.rejects(c.server.promote(7, CALL), { code: 'BATON_REFUSED' });
});

test('placeholders of a promotion that did not come about are gone before the next start', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  const wal = join(b.options.dataDirectory, 'pg_wal');
  const histories = (): string[] => readdirSync(wal).filter((name) => name.endsWith('.history'));
  await b.server.configure(NO_SETTINGS, CALL);
  await b.server.cutUpstream(CALL);
  // The server dies between the files and the promotion.
  const { placePlaceholders } = await import('../../src/postgres/placeholders.ts');
  const { serverFiles } = await import('../../src/postgres/server-context.ts');
  const { createDisk } = await import('../../src/system/disk.ts');
  const { runCommand } = await import('../../src/system/run-command.ts');
  const context = {
    options: b.options,
    files: serverFiles(b.options),
    disk: createDisk(),
    run: runCommand,
    log: () => undefined,
  };
  await placePlaceholders(context, 1, 5, CALL);
  assert.deepEqual(histories(), ['00000002.history', '00000003.history', '00000004.history']);
  b.killAll();
  await until('the standby to be gone', async () => (await b.observe()).status === 'crashed');

  await b.server.start('standby', CALL);
  assert.deepEqual(histories(), []);
  assert.equal((await b.server.promote(2, CALL)).position.timeline, 2);
});
