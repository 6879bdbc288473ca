import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import type pg from 'pg';
import { synchronousStandbyNames } from '../../src/core/application-name.ts';
import { compareLsn } from '../../src/core/lsn.ts';
import { sendSignal } from '../../src/system/process.ts';
import {
  CALL,
  NO_SETTINGS,
  runningPrimary,
  runningStandby,
  until,
  type TestServer,
} from '../support/test-server.ts';

interface Acknowledged {
  readonly id: number;
  readonly beganMs: number;
}

/** Clients that insert without a pause and write down what was acknowledged, and when they had begun it. */
async function startWriters(server: TestServer, count: number) {
  const acknowledged: Acknowledged[] = [];
  let next = 1;
  let stopped = false;
  const clients: pg.Client[] = [];
  const write = async (client: pg.Client): Promise<void> => {
    while (!stopped) {
      const id = next++;
      const beganMs = performance.now();
      try {
        await client.query('INSERT INTO written VALUES ($1)', [id]);
      } catch {
        return;
      }
      acknowledged.push({ id, beganMs });
    }
  };
  for (let i = 0; i < count; i++) clients.push(await server.connect());
  const work = clients.map(write);
  return {
    acknowledged,
    async stop(): Promise<void> {
      stopped = true;
      // One that waits for a standby would wait for ever.
      for (const client of clients) {
        (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      }
      await Promise.all(work);
    },
  };
}

/** Hangs a standby so that it can acknowledge nothing. */
async function freezeReceiver(standby: TestServer): Promise<() => void> {
  const rows = await standby.sql(`SELECT pid FROM pg_stat_activity WHERE backend_type = 'walreceiver'`);
  const pid = Number(rows[0]?.['pid']);
  sendSignal(pid, 'SIGSTOP');
  return () => void sendSignal(pid, 'SIGCONT');
}

test('from no names to some: no commit that starts after the change gets through unwaited', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await a.sql('CREATE TABLE written (i int)');
  for (let round = 0; round < 5; round++) {
    await a.server.applySynchronousStandbys('', CALL);
    const thaw = await freezeReceiver(b);
    const writers = await startWriters(a, 4);
    await until('some writes', () => writers.acknowledged.length > 20);
    await a.server.applySynchronousStandbys(synchronousStandbyNames([2], 1, 1), CALL);
    const inForceMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 150));
    const late = writers.acknowledged.filter(({ beganMs }) => beganMs > inForceMs);
    assert.deepEqual(late, []);
    thaw();
    await until('writes to go on', () => writers.acknowledged.some(({ beganMs }) => beganMs > inForceMs));
    await writers.stop();
    await until('the standby to stream', async () => (await b.observe()).upstream !== null);
  }
});

test('from some names to others: nothing that starts after the change is acknowledged by the old ones', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await a.sql('CREATE TABLE written (i int)');
  for (let term = 1; term <= 5; term++) {
    await b.follow(a, term);
    await a.server.applySynchronousStandbys(synchronousStandbyNames([2], 1, term), CALL);
    const writers = await startWriters(a, 4);
    await until('writes in the term', () => writers.acknowledged.length > 20);
    const safeLsn = await a.server.applySynchronousStandbys(synchronousStandbyNames([2], 1, term + 1), CALL);
    const inForceMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(
      writers.acknowledged.filter(({ beganMs }) => beganMs > inForceMs),
      [],
    );
    assert.ok(compareLsn((await a.observe()).position?.lsn ?? '0/0', safeLsn) >= 0);
    // The standby that goes over to the new name releases what waits, without ten seconds of delay.
    await b.follow(a, term + 1);
    await until(
      'writes to go on',
      () => writers.acknowledged.some(({ beganMs }) => beganMs > inForceMs),
      8_000,
    );
    await writers.stop();
  }
});

test('a better set of names releases the commits that wait already', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  assert.equal((await b.observe()).role, 'standby');
  await a.sql('CREATE TABLE written (i int)');
  await a.server.applySynchronousStandbys('ANY 1 ("pgbaton_9@1")', CALL);
  const writers = await startWriters(a, 1);
  await until('the write to wait', async () => {
    const rows = await a.sql(`SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
    return Number(rows[0]?.['n']) >= 1;
  });
  assert.deepEqual(writers.acknowledged, []);
  await a.server.applySynchronousStandbys(synchronousStandbyNames([2], 1, 1), CALL);
  await until('the write to be acknowledged', () => writers.acknowledged.length > 0, 8_000);
  await writers.stop();
});

test('one more acknowledgement from the same standbys is in force when the call returns', async (t) => {
  const a = await runningPrimary(t, 1);
  await runningStandby(t, 2, a);
  const c = await runningStandby(t, 3, a);
  await a.sql('CREATE TABLE written (i int)');
  await a.server.applySynchronousStandbys(synchronousStandbyNames([2, 3], 1, 1), CALL);
  const thaw = await freezeReceiver(c);
  const writers = await startWriters(a, 4);
  await until('writes by one of two', () => writers.acknowledged.length > 20);
  await a.server.applySynchronousStandbys(synchronousStandbyNames([2, 3], 2, 1), CALL);
  const inForceMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.deepEqual(
    writers.acknowledged.filter(({ beganMs }) => beganMs > inForceMs),
    [],
  );
  thaw();
  await writers.stop();
});

test('the marker waits for the voters, and is waited for again after its time was over', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  const marker = { term: 1, node: 'node_1', timeline: 1 };
  await a.server.applySynchronousStandbys(synchronousStandbyNames([2], 1, 1), CALL);
  const thaw = await freezeReceiver(b);
  await assert.rejects(a.server.writeMarker(marker, { timeoutMs: 200 }), { code: 'BATON_TIMEOUT' });
  await assert.rejects(a.server.writeMarker(marker, { timeoutMs: 200 }), { code: 'BATON_TIMEOUT' });
  // Another keeper on the same server waits as well.
  await assert.rejects(a.again().writeMarker(marker, { timeoutMs: 500 }), { code: 'BATON_TIMEOUT' });
  thaw();
  await a.server.writeMarker(marker, CALL);
  assert.equal((await a.observe()).markerTerm, 1);
  await until('the marker to reach the standby', async () => (await b.observe()).markerTerm === 1);
  await a.server.writeMarker(marker, CALL);
});

test('no commit of a promoted server gets through unwaited', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  await a.sql('CREATE TABLE written (i int)');
  await until('the table to arrive', async () => {
    const rows = await b.sql(`SELECT to_regclass('written') IS NOT NULL AS there`);
    return rows[0]?.['there'] === true;
  });
  const client = await b.connect();
  const names = synchronousStandbyNames([3], 1, 2);
  await b.server.configure({ ...NO_SETTINGS, synchronousStandbyNames: names }, CALL);
  await b.server.cutUpstream(CALL);
  let acknowledged = false;
  const tries = (async () => {
    for (;;) {
      try {
        await client.query('INSERT INTO written VALUES (1)');
        acknowledged = true;
        return;
      } catch (error) {
        if (!/read-only/.test(String(error))) return;
      }
    }
  })();
  await b.server.promote(2, CALL);
  await until('the insert to wait', async () => {
    const rows = await b.sql(`SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
    return Number(rows[0]?.['n']) >= 1;
  });
  assert.equal(acknowledged, false);
  assert.equal((await b.observe()).synchronousStandbyNames, names);
  await b.server.applySynchronousStandbys('', CALL);
  await tries;
});

test('slots exist for the other members and go with them', async (t) => {
  const a = await runningPrimary(t, 1);
  const b = await runningStandby(t, 2, a);
  const slots = async (server: TestServer): Promise<unknown[]> =>
    (await server.sql('SELECT slot_name FROM pg_replication_slots ORDER BY 1')).map(
      (row) => row['slot_name'],
    );
  await a.sql(`SELECT pg_create_physical_replication_slot('of_somebody_else')`);
  await a.server.maintainSlots([2, 3], CALL);
  await a.server.maintainSlots([2, 3], CALL);
  assert.deepEqual(await slots(a), ['of_somebody_else', 'pgbaton_2', 'pgbaton_3']);
  await b.server.maintainSlots([1, 3], CALL);
  assert.deepEqual(await slots(b), ['pgbaton_1', 'pgbaton_3']);
  await a.server.maintainSlots([2], CALL);
  assert.deepEqual(await slots(a), ['of_somebody_else', 'pgbaton_2']);
  await a.server.checkpoint(CALL);
});
