import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Position, Reign } from './group-record.ts';
import { comparePositions, relationTo, type Lineage, type TimelineSwitch } from './lineage.ts';

const HISTORY: readonly TimelineSwitch[] = [
  { timeline: 1, end: '0/300' },
  { timeline: 2, end: '0/500' },
];

function reignOn(timeline: number, history: readonly TimelineSwitch[] | null, basis: Lineage | null): Reign {
  return {
    term: 7,
    holder: 1,
    timeline,
    basis,
    history,
    confirmed: true,
    restarts: 0,
    cause: 'lost',
    because: 'a test begins',
  };
}

function local(timeline: number, lsn: string, history: readonly TimelineSwitch[] = []): Lineage {
  return { position: { timeline, lsn }, history };
}

const REIGN = reignOn(4, HISTORY, local(2, '0/500', HISTORY.slice(0, 1)));

test('WAL on the timeline of the reign, with the same history, is contained', () => {
  assert.equal(relationTo(REIGN, local(4, '0/900', HISTORY)), 'contained');
});

test('the same timeline number with another history is unprovable, whatever pg_rewind would say', () => {
  const other = [HISTORY[0]!, { timeline: 2, end: '0/4FF' }];
  assert.equal(relationTo(REIGN, local(4, '0/500', other)), 'unprovable');
  assert.equal(relationTo(REIGN, local(4, '0/500', [])), 'unprovable');
});

test('WAL up to the fork is contained, and one byte behind it has diverged', () => {
  assert.equal(relationTo(REIGN, local(2, '0/500', HISTORY.slice(0, 1))), 'contained');
  assert.equal(relationTo(REIGN, local(2, '0/501', HISTORY.slice(0, 1))), 'diverged');
  assert.equal(relationTo(REIGN, local(1, '0/300')), 'contained');
  assert.equal(relationTo(REIGN, local(1, '0/301')), 'diverged');
});

test('a timeline that the reign never had has diverged, whatever its LSN', () => {
  assert.equal(relationTo(REIGN, local(3, '0/1', HISTORY)), 'diverged');
  assert.equal(relationTo(REIGN, local(9, '0/1', HISTORY)), 'diverged');
});

test('an earlier timeline that was reached on another way is unprovable', () => {
  assert.equal(relationTo(REIGN, local(2, '0/400', [{ timeline: 1, end: '0/2FF' }])), 'unprovable');
});

test('before the promotion is known, only what the holder had pledged is contained', () => {
  const pending = reignOn(4, null, local(2, '0/500', HISTORY.slice(0, 1)));
  assert.equal(relationTo(pending, local(2, '0/500', HISTORY.slice(0, 1))), 'contained');
  assert.equal(relationTo(pending, local(2, '0/400', HISTORY.slice(0, 1))), 'contained');
  assert.equal(relationTo(pending, local(1, '0/300')), 'contained');
  assert.equal(relationTo(pending, local(2, '0/501', HISTORY.slice(0, 1))), 'unknown');
  assert.equal(relationTo(pending, local(1, '0/301')), 'unknown');
  assert.equal(relationTo(pending, local(4, '0/600', HISTORY)), 'unknown');
});

test('the first reign knows nothing until its holder has reported', () => {
  assert.equal(relationTo(reignOn(1, null, null), local(1, '0/1')), 'unknown');
});

const aPosition: fc.Arbitrary<Position> = fc.record({
  timeline: fc.integer({ min: 1, max: 9 }),
  lsn: fc.integer({ min: 0, max: 0xffff }).map((bytes) => `0/${bytes.toString(16).toUpperCase()}`),
});

test('positions are totally ordered, and a later timeline always wins', () => {
  fc.assert(
    fc.property(aPosition, aPosition, aPosition, (a, b, c) => {
      assert.equal(Math.sign(comparePositions(a, b)), -Math.sign(comparePositions(b, a)) + 0);
      if (a.timeline > b.timeline) assert.ok(comparePositions(a, b) > 0);
      if (comparePositions(a, b) >= 0 && comparePositions(b, c) >= 0) assert.ok(comparePositions(a, c) >= 0);
    }),
  );
});

/** Histories as PostgreSQL writes them: timelines and fork positions both ascend. */
const aHistory: fc.Arbitrary<readonly TimelineSwitch[]> = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 0x500 })), { maxLength: 4 })
  .map((steps) => {
    let timeline = 0;
    let bytes = 0x100;
    return steps.map(([skip, written]) => {
      timeline += skip;
      bytes += written;
      return { timeline, end: `0/${bytes.toString(16).toUpperCase()}` };
    });
  });

test('every prefix of a history is contained in it, so a node that lags may always follow', () => {
  fc.assert(
    fc.property(aHistory, fc.nat(3), (history, cut) => {
      const left = history[cut];
      if (left === undefined) return;
      const reign = reignOn((history.at(-1)?.timeline ?? 0) + 1, history, null);
      assert.equal(relationTo(reign, local(left.timeline, left.end, history.slice(0, cut))), 'contained');
    }),
  );
});
