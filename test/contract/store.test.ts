import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { REMEMBERED_COMMITS } from '../../src/store/backend.ts';
import { createLocalStore } from '../../src/store/local-store.ts';
import { createMemoryBackend } from '../../src/store/memory-backend.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { storeContract, type StoreUnderTest } from './store-contract.ts';

const CALL = { timeoutMs: 5_000 };

storeContract('memory', async (context) => {
  const clock = createManualClock();
  const store = createLocalStore(createMemoryBackend(), clock);
  context.after(() => store[Symbol.asyncDispose]());
  return { ...underTest(store, clock), reopen: undefined };
});

storeContract('sqlite', async (context) => openSqlite(context, createManualClock(), temporaryFile(context)));

/** A store in this process lives by the clock of the test, to the millisecond. */
function underTest(store: Store, clock: ManualClock): Omit<StoreUnderTest, 'reopen'> {
  return {
    store,
    now: () => clock.now(),
    elapse: async (ms) => Promise.resolve(clock.advance(ms)),
    leaseMs: 1_000,
    leaseEndsLateMs: 0,
    async forget() {
      for (let count = 0; count <= REMEMBERED_COMMITS; count++) {
        await store.swap({ changes: [{ key: `forget/${count}`, expected: null, value: 'x' }] }, CALL);
      }
    },
  };
}

function openSqlite(context: TestContext, clock: ManualClock, file: string): StoreUnderTest {
  const store = openSqliteStore(file, { clock });
  context.after(() => store[Symbol.asyncDispose]());
  return {
    ...underTest(store, clock),
    reopen: async () => {
      await store[Symbol.asyncDispose]();
      return openSqlite(context, clock, file);
    },
  };
}

function temporaryFile(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-store-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'store.sqlite');
}

test('sqlite: a second process, or a second opening, is refused while the first lives', async (context) => {
  const file = temporaryFile(context);
  const store = openSqliteStore(file);
  context.after(() => store[Symbol.asyncDispose]());
  assert.throws(() => openSqliteStore(file), { code: 'BATON_ALREADY_RUNNING' });
  await store[Symbol.asyncDispose]();
  await openSqliteStore(file)[Symbol.asyncDispose]();
});

test('sqlite: every swap that was answered survives a SIGKILL at any moment', async (context) => {
  const file = temporaryFile(context);
  for (let round = 0; round < 5; round++) {
    const child = fork(join(import.meta.dirname, '../support/swap-for-ever.ts'), [file], { silent: true });
    context.after(() => child.kill('SIGKILL'));
    const answered: number[] = [];
    child.on('message', (version) => answered.push(Number(version)));
    // A different number of swaps each time, so that the kill falls into different moments.
    while (answered.length < 20 + 17 * round) await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'close');

    const store = openSqliteStore(file);
    const { version } = await store.list('', CALL);
    const value = JSON.parse((await store.get('counter', CALL))?.value ?? '[]') as number[];
    await store[Symbol.asyncDispose]();
    const last = answered.at(-1) ?? 0;
    assert.ok(version >= last, `version ${last} was answered, and ${version} is there`);
    assert.ok(
      answered.every((each) => value.includes(each)),
      'an answered swap is missing',
    );
    assert.deepEqual(
      value,
      Array.from({ length: version }, (_, index) => index + 1),
    );
  }
});

test('sqlite: a file of a newer version is refused and left as it is', (context) => {
  const file = temporaryFile(context);
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(() => openSqliteStore(file), { code: 'BATON_STORE_UNAVAILABLE', message: /newer version/ });
});

test('sqlite: a file that is no store, and a place that is none, are told apart', (context) => {
  const file = temporaryFile(context);
  writeFileSync(
    file,
    'this is not a database, and long enough to be taken for one if nobody looked. '.repeat(20),
  );
  assert.throws(() => openSqliteStore(file), { code: 'BATON_STORE_UNAVAILABLE', message: /is damaged/ });
  assert.throws(() => openSqliteStore('/nonexistent/store.sqlite'), {
    code: 'BATON_STORE_UNAVAILABLE',
    message: /can not be opened/,
  });
});

test('sqlite: a full disk is an error that says so, and the store goes on when there is space again', async (context) => {
  const directory = mountSmallDisk(context);
  if (directory === undefined) return context.skip('this machine lets nobody mount a small disk');
  const store = openSqliteStore(join(directory, 'store.sqlite'));
  context.after(() => store[Symbol.asyncDispose]());
  const filler = join(directory, 'filler');
  writeFileSync(filler, Buffer.alloc(100_000));

  const value = 'x'.repeat(50_000);
  let key = 0;
  const fill = async () => {
    for (;;) await store.swap({ changes: [{ key: `${key++}`, expected: null, value }] }, CALL);
  };
  await assert.rejects(fill(), { code: 'BATON_STORE_UNAVAILABLE', message: /is full/ });
  assert.equal(await store.get(`${key - 1}`, CALL), undefined);
  rmSync(filler);
  const written = await store.swap({ changes: [{ key: 'again', expected: null, value: 'x' }] }, CALL);
  assert.equal(written.kind, 'written');
});

/** A disk of 512 KB; undefined where mounting is not allowed. */
function mountSmallDisk(context: TestContext): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', directory]);
  context.after(() => {
    if (status === 0) spawnSync('umount', ['-l', directory]);
    rmSync(directory, { recursive: true, force: true });
  });
  return status === 0 ? directory : undefined;
}
