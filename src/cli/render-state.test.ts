import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNodeView, aPrimaryView } from '../../test/support/a-node-view.ts';
import { isSilent, renderState } from './render-state.ts';

test('show state has the columns that operators know, aligned', () => {
  const text = renderState([aPrimaryView(), aNodeView()]);
  assert.equal(
    text,
    `  Name |  Node |      Host:Port |       TLI: LSN |   Connection |      Reported State |      Assigned State
-------+-------+----------------+----------------+--------------+---------------------+--------------------
node_1 |     1 | localhost:5001 |   1: 0/3001648 |   read-write |             primary |             primary
node_2 |     2 | localhost:5002 |   1: 0/3001648 |    read-only |           secondary |           secondary
`,
  );
});

test('a group without nodes is a header and nothing below it', () => {
  assert.equal(renderState([]).split('\n').length, 3);
});

test('columns grow with long names and addresses', () => {
  const lines = renderState([
    aNodeView({ name: 'a-rather-long-name', host: 'db.example.org' }),
    aPrimaryView(),
  ]).split('\n');
  assert.match(lines[2] ?? '', /^a-rather-long-name \|     2 \| db\.example\.org:5002 \|/);
  assert.equal(new Set(lines.slice(0, 4).map((line) => line.length)).size, 1);
});

test('an IPv6 address is told apart from its port', () => {
  assert.match(renderState([aNodeView({ host: '::1' })]), /\[::1\]:5002/);
});

test('a node that has not reported has a dash for its position', () => {
  assert.match(renderState([aNodeView({ timeline: null, lsn: null })]), /\| +- \|/);
});

test('a node is silent when its connection says so', () => {
  assert.equal(isSilent({ connection: 'read-only!' }), true);
  assert.equal(isSilent({ connection: 'none' }), false);
});
