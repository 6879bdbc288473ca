import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientRecord } from '../clients/client-log.ts';
import { bothOpenMs, writeGapMs } from './spans.ts';

function acknowledgedAt(...times: readonly number[]) {
  const records = times.map((atMs, index): ClientRecord => ({
    kind: 'acknowledged',
    server: 'a',
    writer: 'w',
    id: index,
    timeline: 1,
    sentMs: atMs - 1,
    atMs,
  }));
  return { client: 'w', records };
}

function openAt(server: string, ...times: readonly number[]) {
  const records = times.map((atMs): ClientRecord => ({ kind: 'open', server, sentMs: atMs, atMs }));
  return { client: server, records };
}

test('a gap begins with the last acknowledgement before the fault', () => {
  assert.equal(writeGapMs(acknowledgedAt(0, 400, 500, 1500, 1600), 600, 1700), 1000);
});

test('gaps before the fault do not count', () => {
  assert.equal(writeGapMs(acknowledgedAt(0, 5000, 5100, 5200), 5050, 5200), 100);
});

test('a gap that nobody has ended lasts until the end', () => {
  assert.equal(writeGapMs(acknowledgedAt(0, 100), 50, 9100), 9000);
});

test('two servers that are open one after the other are not open at the same time', () => {
  assert.equal(bothOpenMs([openAt('a', 0, 100, 200), openAt('b', 300, 400)]), 0);
});

test('what both have said counts for as long as it is proven', () => {
  assert.equal(bothOpenMs([openAt('a', 0, 100, 200, 300), openAt('b', 150, 250, 350)]), 150);
});

test('a client that did not ask for a while proves nothing for that time', () => {
  assert.equal(bothOpenMs([openAt('a', 0, 100, 5000, 5100), openAt('b', 1000, 1100, 1200)]), 0);
});
