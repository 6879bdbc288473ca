import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  historyFileName,
  lineageAt,
  parseHistory,
  timelineOfHistoryFile,
  timelineOfSegment,
} from './timeline-history.ts';

test('history files are named by their timeline in hexadecimal', () => {
  assert.equal(historyFileName(27), '0000001B.history');
  assert.equal(timelineOfHistoryFile('0000001B.history'), 27);
  assert.equal(timelineOfHistoryFile('0000001B.backup'), undefined);
});

test('segments tell their timeline, partial ones too', () => {
  assert.equal(timelineOfSegment('0000000A0000000000000003'), 10);
  assert.equal(timelineOfSegment('0000000A0000000000000003.partial'), 10);
  assert.equal(timelineOfSegment('archive_status'), undefined);
});

test('comments and broken lines of a history are passed over, a placeholder has none', () => {
  const text = '1\t0/3000158\tno recovery target specified\n\n# a remark\n2\t1/A0\treason\nnonsense\n';
  assert.deepEqual(parseHistory(text), [
    { timeline: 1, end: '0/3000158' },
    { timeline: 2, end: '1/A0' },
  ]);
  assert.deepEqual(parseHistory(''), []);
});

test('WAL up to a fork belongs to the timeline before it, whatever the file is called', () => {
  const history = [
    { timeline: 1, end: '0/100' },
    { timeline: 4, end: '0/200' },
  ];
  const at = (lsn: string): number => lineageAt({ timeline: 7, lsn }, history).position.timeline;
  assert.equal(at('0/201'), 7);
  assert.equal(at('0/200'), 4);
  assert.equal(at('0/101'), 4);
  assert.equal(at('0/100'), 1);
  assert.deepEqual(lineageAt({ timeline: 7, lsn: '0/80' }, history), {
    position: { timeline: 1, lsn: '0/80' },
    history: [],
  });
});
