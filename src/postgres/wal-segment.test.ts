import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordEnd } from './local-wal.ts';
import { parseSegmentName, partBefore, segmentName, segmentNumber } from './wal-segment.ts';

const MB = 1024 * 1024;
const SIZES = { walBlockBytes: 8_192, walSegmentBytes: 16 * MB };

test('segments are named by timeline and number, for every segment size', () => {
  assert.equal(segmentName(1, segmentNumber('0/3000028', 16 * MB), 16 * MB), '000000010000000000000003');
  assert.equal(segmentName(10, segmentNumber('1/FF000000', 16 * MB), 16 * MB), '0000000A00000001000000FF');
  assert.equal(segmentName(1, segmentNumber('1/FF000000', MB), MB), '000000010000000100000FF0');
  assert.deepEqual(parseSegmentName('0000000A00000001000000FF.partial', 16 * MB), {
    timeline: 10,
    number: 511n,
  });
  assert.equal(parseSegmentName('0000000A.history', 16 * MB), undefined);
});

test('what lies before a position never crosses into the segment before', () => {
  assert.deepEqual(partBefore('0/3000100', 8_192, 16 * MB), { number: 3n, offsetBytes: 0, lengthBytes: 256 });
  assert.deepEqual(partBefore('0/3000000', 8_192, 16 * MB), {
    number: 2n,
    offsetBytes: 16 * MB - 8_192,
    lengthBytes: 8_192,
  });
  assert.equal(partBefore('0/0', 8_192, 16 * MB).lengthBytes, 0);
});

test('a record ends behind the page headers that lie inside it', () => {
  // 114 bytes are aligned to 120.
  assert.equal(recordEnd('0/1000028', 114, SIZES), '0/10000A0');
  // 16 bytes fit on the page; the other 98 follow the header of the next one.
  assert.equal(recordEnd('0/1001FF0', 114, SIZES), '0/1002080');
  // The first page of a segment has a longer header.
  assert.equal(recordEnd('0/1FFFFF0', 114, SIZES), '0/2000090');
  // What fills a page ends with it.
  assert.equal(recordEnd('0/1001FF0', 16, SIZES), '0/1002000');
});
