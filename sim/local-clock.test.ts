import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClock } from './clock.ts';
import { createLocalClock } from './local-clock.ts';
import { createProcess } from './process.ts';

test('a clock that is fast counts more than the world, from the moment on that it is', () => {
  const clock = createClock();
  const local = createLocalClock(clock);
  clock.runUntil(100);
  local.drift(1.25);
  clock.runUntil(200);
  assert.equal(local.timeMs(), 225);
  assert.equal(local.worldMs(125), 100);
});

test('the timers of a suspended machine go on where they were, and what was sent to it waits', () => {
  const clock = createClock();
  const local = createLocalClock(clock);
  const process = createProcess(clock, local);
  const seen: (readonly [string, number, number])[] = [];
  const note = (what: string) => (): void => void seen.push([what, clock.nowMs, local.timeMs()]);
  process.begin();
  process.after(30, note('timer'));
  clock.runUntil(10);
  local.freezeUntil(110);
  process.pauseUntil(110);
  clock.runUntil(50);
  process.now(note('message'));
  clock.runUntil(200);
  assert.deepEqual(seen, [
    ['message', 110, 10],
    ['timer', 130, 30],
  ]);
  // By its own clock it was never late.
  assert.equal(process.latenessMs(1_000), 0);
});
