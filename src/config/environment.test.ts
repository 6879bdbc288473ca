import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readEnvironment, readTokenFile } from './environment.ts';

test('the environment is read, and what is empty counts as not set', () => {
  const env = { PGDATA: '/data', PGPORT: '5433', PGBATON_MONITOR: '', PGBATON_MONITOR_TOKEN: 'abc' };
  assert.deepEqual(readEnvironment(env), {
    dataDirectory: '/data',
    port: 5433,
    monitorUri: undefined,
    monitorToken: 'abc',
  });
  assert.throws(() => readEnvironment({ PGPORT: 'http' }), { code: 'BATON_USAGE', message: /PGPORT/ });
});

test('a token file must be private, and have a token', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-token-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'token');
  writeFileSync(file, 'abc\n', { mode: 0o600 });
  assert.equal(readTokenFile(file), 'abc');
  chmodSync(file, 0o640);
  assert.throws(() => readTokenFile(file), { code: 'BATON_CONFIG_INVALID', hint: /chmod 600/ });
  writeFileSync(file, '\n');
  chmodSync(file, 0o600);
  assert.throws(() => readTokenFile(file), { message: /is empty/ });
  assert.throws(() => readTokenFile(join(directory, 'none')), { code: 'BATON_CONFIG_INVALID' });
});
