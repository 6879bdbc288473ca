import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lineage, TimelineSwitch } from '../core/lineage.ts';
import { findForkPoint } from './fork-point.ts';

function lineage(timeline: number, lsn: string, ...history: [number, string][]): Lineage {
  const switches: TimelineSwitch[] = history.map(([number, end]) => ({ timeline: number, end }));
  return { position: { timeline, lsn }, history: switches };
}

test('WAL that ends before the source left its timeline is contained', () => {
  const source = lineage(2, '0/900', [1, '0/500']);
  assert.deepEqual(findForkPoint(lineage(1, '0/400'), source), { kind: 'contained' });
  assert.deepEqual(findForkPoint(lineage(1, '0/500'), source), { kind: 'contained' });
  assert.deepEqual(findForkPoint(lineage(2, '0/900', [1, '0/500']), source), { kind: 'contained' });
});

test('WAL beyond the point where the source left forked there', () => {
  const source = lineage(2, '0/900', [1, '0/500']);
  assert.deepEqual(findForkPoint(lineage(1, '0/600'), source), {
    kind: 'forked',
    at: { timeline: 1, lsn: '0/500' },
  });
});

test('two promotions from one timeline forked at the earlier of their ends', () => {
  const source = lineage(3, '0/900', [1, '0/500']);
  assert.deepEqual(findForkPoint(lineage(2, '0/700', [1, '0/450']), source), {
    kind: 'forked',
    at: { timeline: 1, lsn: '0/450' },
  });
  assert.deepEqual(findForkPoint(lineage(2, '0/700', [1, '0/500']), source), {
    kind: 'forked',
    at: { timeline: 1, lsn: '0/500' },
  });
});

test('the same number that began at different points is unrelated', () => {
  const source = lineage(2, '0/900', [1, '0/500']);
  const found = findForkPoint(lineage(2, '0/700', [1, '0/450']), source);
  assert.equal(found.kind, 'unrelated');
});

test('the same timeline that goes on behind its end at the source can not be taken back', () => {
  const found = findForkPoint(lineage(2, '0/950', [1, '0/500']), lineage(2, '0/900', [1, '0/500']));
  assert.equal(found.kind, 'unrelated');
});
