import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Acknowledgement, ClientRecord } from '../clients/client-log.ts';
import {
  acknowledgedByTwo,
  differences,
  lostCommits,
  rolledBackReads,
  type NodeContents,
} from './findings.ts';

const OLD = '10.0.0.1:5432';
const NEW = '10.0.0.2:5432';

function acknowledged(id: number, changes: Partial<Acknowledgement> = {}): Acknowledgement {
  return {
    kind: 'acknowledged',
    server: OLD,
    writer: 'writer',
    id,
    timeline: 1,
    sentMs: id * 10,
    atMs: id * 10 + 1,
    ...changes,
  };
}

function history(...records: readonly ClientRecord[]) {
  return { client: 'writer', records };
}

function contents(node: string, ids: readonly number[], elements: readonly number[] = []): NodeContents {
  const rows = ids.map((id) => ({ writer: 'writer', id }));
  return { node, tables: { rows, lists: [{ key: 1, elements }] } };
}

describe('lost commits', () => {
  test('a row that was acknowledged and that a node has not is lost', () => {
    const lost = lostCommits(
      [history(acknowledged(1), acknowledged(2))],
      [contents('a', [1, 2]), contents('b', [1])],
    );
    assert.deepEqual(lost, [`b lacks row 2 of writer, which ${OLD} acknowledged at 21 ms`]);
  });

  test('rows of two writers with one id are told apart', () => {
    const lost = lostCommits([history(acknowledged(1, { writer: 'other' }))], [contents('a', [1])]);
    assert.equal(lost.length, 1);
  });

  test('an element that was acknowledged and is in no list is lost', () => {
    const append: ClientRecord = { kind: 'appended', server: OLD, key: 1, element: 7, atMs: 5 };
    assert.deepEqual(lostCommits([history(append)], [contents('a', [], [6, 7])]), []);
    assert.equal(lostCommits([history(append)], [contents('a', [], [6])]).length, 1);
  });

  test('a row that nobody was told of may be there or not', () => {
    const unknown: ClientRecord = { kind: 'unknown', server: OLD, sentMs: 1, atMs: 2 };
    assert.deepEqual(lostCommits([history(unknown)], [contents('a', [1])]), []);
  });
});

describe('reads of what was rolled back', () => {
  const read = (kept: number, ...added: readonly number[]): ClientRecord => ({
    kind: 'list',
    server: OLD,
    key: 1,
    kept,
    added,
    atMs: 3,
  });

  test('reads of beginnings of the final list are right', () => {
    assert.deepEqual(
      rolledBackReads([history(read(0, 1, 2), read(2, 3))], [contents('a', [], [1, 2, 3, 4])]),
      [],
    );
  });

  test('an element that was read and is not there in the end was rolled back', () => {
    const found = rolledBackReads([history(read(0, 1, 2), read(2, 9))], [contents('a', [], [1, 2, 3])]);
    assert.equal(found.length, 1);
    assert.match(found[0] ?? '', /read element 9 of list 1 from 10\.0\.0\.1:5432/);
  });

  test('elements that were read in another order are no beginning', () => {
    assert.equal(rolledBackReads([history(read(0, 2, 1))], [contents('a', [], [1, 2])]).length, 1);
  });
});

describe('acknowledgements by two primaries', () => {
  const takeover = acknowledged(10, { server: NEW, timeline: 2, sentMs: 100, atMs: 101 });

  test('one by the old primary for a write that was sent after the first of the new one is a split brain', () => {
    const late = acknowledged(11, { sentMs: 102, atMs: 103 });
    assert.deepEqual(acknowledgedByTwo([history(acknowledged(1), takeover), history(late)]), [
      `${OLD} acknowledged row 11 of writer on timeline 1; ${NEW} had acknowledged on timeline 2 before`,
    ]);
  });

  test('one that was sent before may come late: nobody knows when the server gave it', () => {
    const slow = acknowledged(11, { sentMs: 99, atMs: 200 });
    assert.deepEqual(acknowledgedByTwo([history(takeover, slow)]), []);
  });

  test('two servers on one timeline are a split brain', () => {
    const twin = acknowledged(11, { server: NEW, timeline: 1 });
    assert.equal(acknowledgedByTwo([history(acknowledged(1), twin)]).length, 1);
  });

  test('a baton that comes back is none', () => {
    const back = acknowledged(20, { timeline: 3 });
    assert.deepEqual(acknowledgedByTwo([history(acknowledged(1), takeover, back)]), []);
  });
});

describe('differences', () => {
  test('nodes that have the same do not differ, in whatever order', () => {
    assert.deepEqual(differences([contents('a', [1, 2], [5]), contents('b', [2, 1], [5])]), []);
  });

  test('each difference is told with its side', () => {
    assert.deepEqual(differences([contents('a', [1, 2]), contents('b', [1, 3])]), [
      'a has row 2 of writer, b has not',
      'b has row 3 of writer, a has not',
    ]);
  });
});
