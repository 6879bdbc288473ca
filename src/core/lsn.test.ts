import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareLsn, isLsn, lagBytes, lsnFromBytes, lsnToBytes, maxLsn } from './lsn.ts';

const anLsn = fc.bigInt(0n, 2n ** 64n - 1n).map(lsnFromBytes);

test('an LSN is two hexadecimal halves of 32 bits', () => {
  assert.equal(lsnToBytes('16/B374D848'), 0x16b374d848n);
  assert.equal(lsnFromBytes(0x16b374d848n), '16/B374D848');
  assert.equal(lsnFromBytes(0x100000000n), '1/0');
});

test('what is not an LSN is refused and never taken for a position', () => {
  for (const text of ['', '16', '16/', '/1', '16/B374D8481', 'G/0', '0/0 ', '-1/0']) {
    assert.equal(isLsn(text), false, text);
    assert.throws(() => lsnToBytes(text), RangeError, text);
    assert.throws(() => compareLsn(text, '0/1'), RangeError, text);
  }
});

test('LSNs are compared as numbers and not as text', () => {
  assert.ok(compareLsn('2/0', '10/0') < 0);
  assert.ok(compareLsn('0/9', '0/10') < 0);
  assert.equal(maxLsn('2/0', '10/0'), '10/0');
});

test('an LSN comes back unchanged from its bytes', () => {
  fc.assert(fc.property(anLsn, (lsn) => lsnFromBytes(lsnToBytes(lsn)) === lsn));
});

test('the order of LSNs is the order of their bytes', () => {
  fc.assert(
    fc.property(anLsn, anLsn, (a, b) => {
      assert.equal(Math.sign(compareLsn(a, b)), lsnToBytes(a) < lsnToBytes(b) ? -1 : a === b ? 0 : 1);
      assert.equal(Math.sign(compareLsn(b, a)), -Math.sign(compareLsn(a, b)) + 0);
    }),
  );
});

test('the lag is what has still to be received and never negative', () => {
  assert.equal(lagBytes('1/10', '1/0'), 16);
  assert.equal(lagBytes('1/0', '1/10'), 0);
  assert.equal(lagBytes('2/0', '1/0'), 2 ** 32);
});
