import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { NOON } from '../../../test/support/a-cli-context.ts';
import { aGroup } from '../../../test/support/a-group.ts';
import { aNodeView, anEvent, aPrimaryView } from '../../../test/support/a-node-view.ts';
import { renderWatchView, type WatchView } from './render-watch-view.ts';

const view: WatchView = {
  formation: 'default',
  group: 0,
  record: aGroup().withPrimary('node_1').withStandby('node_2').record(),
  nodes: [aPrimaryView(), aNodeView({ lag_bytes: 2048 })],
  events: [
    anEvent({ because: 'one', at: NOON.toISOString() }),
    anEvent({ because: 'two', at: NOON.toISOString() }),
  ],
  trouble: undefined,
  now: NOON,
};

const plain = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => stripVTControlCharacters(line));

test('the view fills the screen exactly', () => {
  for (const size of [
    { columns: 80, rows: 24 },
    { columns: 200, rows: 60 },
    { columns: 20, rows: 5 },
    { columns: 100, rows: 2 },
  ]) {
    const lines = plain(renderWatchView(view, size));
    assert.equal(lines.length, size.rows);
    assert.ok(lines.every((line) => line.length <= size.columns));
  }
});

test('a wide screen shows all there is', () => {
  const text = plain(renderWatchView(view, { columns: 170, rows: 20 })).join('\n');
  assert.match(text, /pgbaton {2}formation "default" {2}group 0 .* 12:00:00/);
  assert.match(text, /term 3; commits stand on 2 of "node_1", "node_2"/);
  assert.match(text, /Quorum \| Priority \| +Report/);
  assert.match(
    text,
    /node_2 \| +2 \| localhost:5002 \| +yes \| +50 \| +120 ms \| +1: 0\/3001648 \| +2\.0 kB/,
  );
  assert.match(text, /12:00:00 {2}one\n 12:00:00 {2}two/);
});

test('a narrow screen keeps the names and the states', () => {
  const text = plain(renderWatchView(view, { columns: 70, rows: 20 })).join('\n');
  assert.match(text, / Name \| .*Connection \| +Reported State \| +Assigned State/);
  assert.doesNotMatch(text, /Priority|Behind/);
});

test('a monitor that is not heard is the first thing to be seen', () => {
  const lines = plain(
    renderWatchView({ ...view, trouble: 'could not reach the monitor' }, { columns: 80, rows: 20 }),
  );
  assert.equal(lines[1], ' could not reach the monitor');
});

test('what a node does and what stops it is shown', () => {
  const nodes = [aPrimaryView(), aNodeView({ activity: 'base backup 43 %', problem: 'disk full' })];
  const text = plain(renderWatchView({ ...view, nodes }, { columns: 80, rows: 20 })).join('\n');
  assert.match(text, /node_2: base backup 43 %\n node_2: disk full/);
});

test('a node that is not where it is to be, or is silent, has a colour', () => {
  const nodes = [aPrimaryView({ connection: 'none!' }), aNodeView({ assigned_state: 'report_lsn' })];
  const lines = renderWatchView({ ...view, nodes }, { columns: 120, rows: 20 });
  assert.ok(lines[5]?.startsWith('\x1b[31m'));
  assert.ok(lines[6]?.startsWith('\x1b[33m'));
});
