import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLagMeter } from './lag-meter.ts';

test('timely ticks are no lag', () => {
  const meter = createLagMeter({ everyMs: () => 100, windowMs: 3_000, nowMs: 0 });
  for (let nowMs = 100; nowMs <= 1_000; nowMs += 100) meter.tick(nowMs);
  assert.equal(meter.lagMs(1_050), 0);
});

test('a late tick counts for the whole window and then no more', () => {
  const meter = createLagMeter({ everyMs: () => 100, windowMs: 3_000, nowMs: 0 });
  meter.tick(2_100);
  assert.equal(meter.lagMs(2_100), 2_000);
  for (let nowMs = 2_200; nowMs <= 5_000; nowMs += 100) meter.tick(nowMs);
  assert.equal(meter.lagMs(5_000), 2_000);
  meter.tick(5_100);
  meter.tick(5_200);
  assert.equal(meter.lagMs(5_200), 0);
});

test('a tick that is overdue counts before it comes', () => {
  const meter = createLagMeter({ everyMs: () => 100, windowMs: 3_000, nowMs: 0 });
  assert.equal(meter.lagMs(1_600), 1_500);
});
