import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createDisk } from './disk.ts';

const LIMIT = { timeoutMs: 5_000 };
const SHORT = { timeoutMs: 20 };

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'pgbaton-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('a file is replaced whole, with its mode, and leaves nothing beside it', async (t) => {
  const path = join(directory(t), 'file');
  const disk = createDisk();
  assert.equal(await disk.readText(path, LIMIT), undefined);
  await disk.writeText(path, 'one', 0o600, LIMIT);
  await disk.writeText(path, 'two', 0o600, LIMIT);
  assert.equal(readFileSync(path, 'utf8'), 'two');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(path, '..')), ['file']);
  await disk.remove(path, LIMIT);
  await disk.remove(path, LIMIT);
  assert.equal(await disk.exists(path, LIMIT), false);
});

test('what a crash left of a write is overwritten', async (t) => {
  const path = join(directory(t), 'file');
  writeFileSync(`${path}.pgbaton-new`, 'half', { mode: 0o644 });
  await createDisk().writeText(path, 'whole', 0o600, LIMIT);
  assert.equal(readFileSync(path, 'utf8'), 'whole');
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('once an operation hangs, the others fail at once, until it comes back', async () => {
  const disk = createDisk();
  const { promise: hang, resolve: comeBack } = Promise.withResolvers<void>();
  let ran = 0;
  const count = async (): Promise<void> => void (ran += 1);
  const hung = disk.run('the hung one', SHORT, () => hang);
  const queued = disk.run('the queued one', LIMIT, count);
  const queuedFails = assert.rejects(queued, { code: 'BATON_TIMEOUT' });
  await assert.rejects(hung, { code: 'BATON_TIMEOUT' });
  assert.equal(disk.isStuck(), true);
  await assert.rejects(disk.run('a later one', LIMIT, count), /was not tried because the disk hangs/);
  assert.equal(ran, 0);

  comeBack();
  await queuedFails;
  await disk.run('after that', LIMIT, count);
  assert.equal(disk.isStuck(), false);
  assert.equal(ran, 1);
});

test('a write that hung takes no effect after its caller has given up', async () => {
  const disk = createDisk();
  const { promise: hang, resolve: comeBack } = Promise.withResolvers<void>();
  let wrote = false;
  const hung = disk.run('writing', SHORT, async (signal) => {
    await hang;
    signal.throwIfAborted();
    wrote = true;
  });
  await assert.rejects(hung, { code: 'BATON_TIMEOUT' });
  comeBack();
  await disk.run('after that', LIMIT, async () => undefined).catch(() => undefined);
  await disk.run('after that', LIMIT, async () => undefined);
  assert.equal(wrote, false);
});

test('a full disk is named as such', async () => {
  const work = createDisk().run('writing the file', LIMIT, () => writeFile('/dev/full', 'something'));
  await assert.rejects(work, { code: 'BATON_DATA_DIRECTORY', message: /no space left/ });
});
