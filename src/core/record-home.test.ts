import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aGroup } from '../../test/support/a-group.ts';
import { decide } from './decide.ts';
import type { GroupRecord } from './group-record.ts';
import { groupObstacles } from './obstacles.ts';
import {
  contradictionOf,
  describeContradiction,
  isLater,
  movedHome,
  originOf,
  stampOf,
  standingOf,
  stopsDeciding,
  writtenBy,
} from './record-home.ts';

const RECORD = aGroup().withPrimary('a').withStandby('b').record();

/** A record in a version, and what became of it. */
interface Line {
  readonly record: GroupRecord;
  readonly version: number;
}

const START: Line = { record: RECORD, version: 1 };

function write({ record, version }: Line, writer: string, times = 1): Line {
  const next = { record: writtenBy(record, writer, version), version: version + 1 };
  return times === 1 ? next : write(next, writer, times - 1);
}

function standing(seen: Line, offered: Line): string {
  return standingOf(stampOf(seen.record, seen.version), offered.record, offered.version);
}

test('who has seen no record, the same or an earlier one may take a record', () => {
  const later = write(write(START, 'x', 3), 'y', 2);
  assert.equal(standingOf(null, later.record, later.version), 'known');
  assert.equal(standing(later, later), 'known');
  assert.equal(standing(START, later), 'known');
  assert.equal(standing(write(START, 'x', 2), later), 'known');
});

test('a store that was restored from an old copy is behind what was seen of it', () => {
  const old = write(START, 'x', 2);
  const seen = write(old, 'x', 5);
  assert.equal(standing(seen, old), 'ahead');
});

test('a restored store that has decided since is found out, however far its versions have come', () => {
  const old = write(START, 'x', 2);
  const seen = write(old, 'x', 5);
  for (const times of [1, 4, 5, 6, 50]) {
    const restored = write(old, 'started again', times);
    const expected = restored.version < seen.version ? 'ahead' : 'diverged';
    assert.equal(standing(seen, restored), expected, `${times} decisions later`);
  }
});

test('a recovered record is taken by all who have seen an earlier incarnation, in whatever version', () => {
  const seen = write(START, 'x', 90);
  const recovered = {
    record: { ...seen.record, home: movedHome(seen.record.home, 'new') },
    version: 2,
  };
  assert.equal(standing(seen, recovered), 'known');
  assert.equal(standing(write(seen, 'x', 3), recovered), 'known');
  assert.equal(standing(recovered, seen), 'ahead', 'and the store before is refused from then on');
  assert.equal(standing(recovered, write(seen, 'x', 500)), 'ahead');
});

test('two recoveries from the same record contradict each other', () => {
  const [one, other] = ['one', 'other'].map((id) => ({
    record: { ...RECORD, home: movedHome(RECORD.home, id) },
    version: 2,
  }));
  assert(one !== undefined && other !== undefined);
  assert.equal(standing(one, other), 'diverged');
});

test('a recovery from one of two recoveries is taken by who follows the other', () => {
  const [one, other] = ['one', 'other'].map((id) => ({
    record: { ...RECORD, home: movedHome(RECORD.home, id) },
    version: 2,
  }));
  assert(one !== undefined && other !== undefined);
  const homes = [one.record.home, other.record.home];
  const again = { record: { ...one.record, home: movedHome(one.record.home, 'again', homes) }, version: 1 };
  assert.equal(standing(one, again), 'known');
  assert.equal(standing(other, again), 'known');
  assert.ok(isLater(other.record, other.version, again.record, again.version));
  assert.notEqual(standing(again, other), 'known', 'and the one that is over is refused from then on');
});

test('a record of another group is foreign', () => {
  const other = { record: { ...RECORD, home: { incarnations: ['another'], writers: [] } }, version: 9 };
  assert.equal(standing(START, other), 'foreign');
});

test('along one line everything that was seen is known, whoever wrote it, and stays so when writers are forgotten', () => {
  const writers = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 150 });
  fc.assert(
    fc.property(writers, fc.nat(), (ids, pick) => {
      const lines = [START];
      for (const id of ids) lines.push(write(lines.at(-1)!, `w${id}`));
      const seen = lines[pick % lines.length]!;
      assert.equal(standing(seen, lines.at(-1)!), 'known');
    }),
  );
});

test('two lines that part are never taken for one, while the writer who parted them is remembered', () => {
  const count = fc.integer({ min: 1, max: 30 });
  fc.assert(
    fc.property(count, count, count, (before, here, there) => {
      const base = write(START, 'x', before);
      const [seen, offered] = [write(base, 'x', here), write(base, 'y', there)];
      assert.notEqual(standing(seen, offered), 'known');
      assert.notEqual(standing(offered, seen), 'known');
    }),
  );
});

test('nothing is decided against a contradiction, and it is the first thing that `why` tells, with the way out', () => {
  const dead = aGroup()
    .withPrimary('a', { postgres: { status: 'crashed', role: null } })
    .withStandby('b')
    .withStandby('c');
  assert.equal(decide(dead.record(), dead.evidence())?.rule, 'fail_over');
  const theirs = { ...originOf(dead.record()), version: 12 };
  const contradiction = contradictionOf(dead.idOf('b'), theirs, dead.record(), 7);
  assert(contradiction !== undefined);
  assert(stopsDeciding(contradiction, dead.record()));
  const evidence = { ...dead.evidence(), contradiction };
  assert.equal(decide(dead.record(), evidence), undefined);
  assert.deepEqual(groupObstacles(dead.record(), evidence), [
    describeContradiction(contradiction, dead.record()),
  ]);
  assert.match(
    describeContradiction(contradiction, dead.record()),
    /^"b" has version 12 of the record, and this store has version 7: it was restored from an old copy\. .*`pgbaton store recover`/,
  );
});

test('a node of another group stops nobody but a store that has lost its group', () => {
  const theirs = { incarnations: ['another'], writer: null, version: 4 };
  const contradiction = contradictionOf(9, theirs, RECORD, 7);
  assert(contradiction !== undefined);
  assert.equal(stopsDeciding(contradiction, RECORD), false);
  assert.equal(stopsDeciding(contradiction, { ...RECORD, nodes: [] }), true);
  assert.match(describeContradiction(contradiction, RECORD), /monitor\.uri/);
});
