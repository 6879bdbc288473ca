import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBackupProgress } from './clone.ts';
import { renderPassfile } from './configuration-text.ts';
import { parsePidFile } from './postmaster.ts';
import { quoteIdentifier, scramVerifier } from './roles.ts';

test('the SCRAM verifier is the one of RFC 7677', () => {
  // Its example: user "user", password "pencil".
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  assert.equal(
    scramVerifier('pencil', salt, 4_096),
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
});

test('no two verifiers of a password are alike', () => {
  assert.notEqual(scramVerifier('pencil'), scramVerifier('pencil'));
});

test('a passfile keeps the characters that mean something in it', () => {
  assert.equal(renderPassfile('role', 'a:b\\c'), '*:*:*:role:a\\:b\\\\c\n');
});

test('identifiers are quoted', () => {
  assert.equal(quoteIdentifier('odd"name'), '"odd""name"');
});

test('the progress of a base backup is told in words', () => {
  assert.equal(
    parseBackupProgress('  1377280/3250586 kB (42%), 0/1 tablespace (pgbaton.clone/base/5/1249)'),
    'base backup, 42 % of 3.1 GB',
  );
  assert.equal(parseBackupProgress('     256/ 22780 kB (1%)') ?? '', '');
  assert.equal(parseBackupProgress('pg_basebackup: starting background WAL receiver'), undefined);
});

test('a pid file is read from its first line on', () => {
  assert.equal(parsePidFile(''), undefined);
  assert.deepEqual(parsePidFile('42\n/data\n1700000000\n5432\n'), {
    pid: 42,
    port: 5432,
    socketDirectory: undefined,
    status: 'starting',
  });
  const whole = '42\n/data\n1700000000\n5432\n/socket\n*\n  123 456\nready   \n';
  assert.deepEqual(parsePidFile(whole), { pid: 42, port: 5432, socketDirectory: '/socket', status: 'ready' });
  const withoutSocket = '42\n/data\n1700000000\n5432\n\n*\n  123 456\nready   \n';
  assert.equal(parsePidFile(withoutSocket)?.socketDirectory, null);
});
