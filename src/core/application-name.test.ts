import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatStandbyTag, parseStandbyTag, slotName, synchronousStandbyNames } from './application-name.ts';

test('a tag names the node and the term, and can be read back', () => {
  fc.assert(
    fc.property(fc.nat(999_999_999), fc.nat(999_999_999), (node, term) => {
      assert.deepEqual(parseStandbyTag(formatStandbyTag({ node, term })), { node, term });
    }),
  );
});

test('the longest tag stays within the 63 bytes that PostgreSQL keeps', () => {
  const node = 999_999_999_999_999;
  assert.ok(Buffer.byteLength(formatStandbyTag({ node, term: node })) <= 63);
});

test('other application names are no tags', () => {
  for (const name of ['', 'psql', 'pgbaton_2', 'pgbaton_2@', 'pgbaton_@7', 'xpgbaton_2@7', 'pgbaton_2@7x']) {
    assert.equal(parseStandbyTag(name), undefined, name);
  }
});

test('the names are quoted, and empty when no voter is waited for', () => {
  assert.equal(synchronousStandbyNames([2, 3], 1, 7), 'ANY 1 ("pgbaton_2@7", "pgbaton_3@7")');
  assert.equal(synchronousStandbyNames([2, 3], 0, 7), '');
});

test('a slot name is one that PostgreSQL accepts', () => {
  assert.match(slotName(12), /^[a-z0-9_]{1,63}$/);
});
