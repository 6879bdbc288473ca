import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longestGapS, splitBrainAcks } from './acknowledgements.ts';

const ack = (atMs: number, server: string) => ({ atMs, server, writer: 'client', id: atMs });

test('a client that is never served again has a gap up to the end', () => {
  assert.equal(longestGapS([ack(1_000, 'a')], 900, 6_000), 5);
});

test('the gap is the longest one between two acknowledgements', () => {
  assert.equal(longestGapS([ack(1_000, 'a'), ack(3_500, 'b'), ack(3_600, 'b')], 900, 3_700), 2.5);
});

test('only what an old primary acknowledges after the first one of its successor is split brain', () => {
  const acks = [ack(1, 'a'), ack(2, 'b'), ack(3, 'a'), ack(4, 'b'), ack(5, 'a')];
  assert.equal(splitBrainAcks(acks, 'a', 'b'), 2);
});

test('a primary that stays the primary has no split brain', () => {
  assert.equal(splitBrainAcks([ack(1, 'a'), ack(2, 'a')], 'a', 'a'), 0);
});
