import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClock } from './clock.ts';
import { createProcess } from './process.ts';
import { createRandom } from './random.ts';
import { runSeed, type RunOptions } from './run.ts';

const SHORT: Omit<RunOptions, 'seed'> = { nodes: 3, faultyMs: 20_000, without: [] };

function story(seed: number): readonly string[] {
  const lines: string[] = [];
  runSeed({ ...SHORT, seed, onTrace: (line) => lines.push(line) });
  return lines;
}

test('the same seed tells the same story, to the byte', () => {
  const first = story(7);
  assert.ok(first.length > 20);
  assert.deepEqual(story(7), first);
  assert.notDeepEqual(story(8), first);
});

test('a run that is told and one that is not are the same run', () => {
  const told = runSeed({ ...SHORT, seed: 11, onTrace: () => undefined });
  const silent = runSeed({ ...SHORT, seed: 11 });
  assert.deepEqual([silent.events, silent.acknowledged], [told.events, told.acknowledged]);
});

test('a few lives of a group pass', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const { violation } = runSeed({ ...SHORT, seed, nodes: 2 + (seed % 3) });
    assert.equal(violation, undefined, `seed ${seed}: ${violation?.invariant}: ${violation?.detail}`);
  }
});

test('a few lives of a group whose keepers decide pass, and are told the same again', () => {
  for (let seed = 1; seed <= 4; seed++) {
    const options: RunOptions = { ...SHORT, seed, nodes: 2 + (seed % 3), store: 'etcd' };
    const { violation, events } = runSeed(options);
    assert.equal(violation, undefined, `seed ${seed}: ${violation?.invariant}: ${violation?.detail}`);
    assert.equal(runSeed(options).events, events);
  }
});

test('events happen in the order of their times, and of their asking when they are due together', () => {
  const clock = createClock();
  const random = createRandom(1);
  const seen: number[] = [];
  for (let i = 0; i < 500; i++) {
    const atMs = random.int(0, 50);
    clock.after(atMs, () => seen.push(atMs * 1_000 + i));
  }
  clock.runUntil(100);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  assert.equal(clock.nowMs, 100);
});

test('nothing that was begun in one life of a process happens in the next', () => {
  const clock = createClock();
  const process = createProcess(clock);
  const seen: string[] = [];
  process.begin();
  process.after(10, () => seen.push('first life'));
  process.kill();
  process.begin();
  process.after(10, () => seen.push('second life'));
  clock.runUntil(100);
  assert.deepEqual(seen, ['second life']);
});

test('what falls due while a process stands still happens in order as soon as it goes on', () => {
  const clock = createClock();
  const process = createProcess(clock);
  const seen: number[] = [];
  process.begin();
  process.pauseUntil(50);
  for (const atMs of [10, 20, 60]) process.after(atMs, () => seen.push(clock.nowMs));
  clock.runUntil(100);
  assert.deepEqual(seen, [50, 50, 60]);
});
