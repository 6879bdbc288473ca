import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseSsl } from './ssl-choice.ts';

test('without a choice a self-signed certificate encrypts and verifies nothing', () => {
  const choice = chooseSsl({}, '/here');
  assert.equal(choice.mode, 'self-signed');
  assert.equal(choice.sslmode, 'require');
});

test('with an authority others are verified in full, and paths are absolute', () => {
  const choice = chooseSsl({ sslCaFile: 'ca.pem', serverCert: 'a.crt', serverKey: '/k/a.key' }, '/here');
  assert.deepEqual(choice, {
    mode: 'files',
    certFile: '/here/a.crt',
    keyFile: '/k/a.key',
    caFile: '/here/ca.pem',
    sslmode: 'verify-full',
  });
});

test('without TLS nobody is asked to encrypt', () => {
  assert.deepEqual(chooseSsl({ ssl: false }, '/').mode, 'off');
  assert.deepEqual(chooseSsl({ ssl: false }, '/').sslmode, 'prefer');
});

test('choices that contradict each other are wrong usage', () => {
  const usage = { code: 'BATON_USAGE' };
  assert.throws(() => chooseSsl({ ssl: false, sslSelfSigned: true }, '/'), usage);
  assert.throws(() => chooseSsl({ serverCert: 'a.crt' }, '/'), usage);
  assert.throws(() => chooseSsl({ ssl: false, sslMode: 'verify-full' }, '/'), usage);
});
