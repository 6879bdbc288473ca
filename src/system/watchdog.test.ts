import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createWatchdog, watchdogProblem } from './watchdog.ts';

/** A FIFO in place of the device, and what has been written to it so far. */
function aDevice(context: TestContext): { readonly path: string; read(): string } {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-watchdog-'));
  const path = join(directory, 'device');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  context.after(() => {
    closeSync(reader);
    rmSync(directory, { recursive: true });
  });
  const buffer = Buffer.alloc(100);
  return { path, read: () => buffer.toString('latin1', 0, readSync(reader, buffer)) };
}

test('it is armed by the first feeding, fed, and closed with the letter that means on purpose', (context) => {
  const { path, read } = aDevice(context);
  const watchdog = createWatchdog(path);
  watchdog.feed();
  assert.equal(read(), '1');
  watchdog.feed();
  watchdog.disarm();
  assert.equal(read(), '1V');
});

test('one that was never armed is not touched', (context) => {
  const { path, read } = aDevice(context);
  createWatchdog(path).disarm();
  assert.equal(read(), '');
});

test('one that was closed is armed anew', (context) => {
  const { path, read } = aDevice(context);
  const watchdog = createWatchdog(path);
  watchdog.feed();
  watchdog.disarm();
  watchdog.feed();
  assert.equal(read(), '1V1');
  watchdog.disarm();
});

test('a device that can not be used is named, and not armed by the question', (context) => {
  const { path, read } = aDevice(context);
  assert.equal(watchdogProblem(path), null);
  assert.equal(read(), '');
  assert.match(watchdogProblem('/nonexistent') ?? '', /"\/nonexistent" can't be used/);
});
