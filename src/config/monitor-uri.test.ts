import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMonitorUri, parseMonitorUri } from './monitor-uri.ts';

test('a monitor URI is read and printed alike', () => {
  for (const uri of [
    'pgbaton://localhost:5000?sslmode=require',
    'pgbaton://10.0.0.1:6000?sslmode=disable',
    'pgbaton://[::1]:5000?sslmode=verify-full&sslrootcert=/etc/ssl/ca%20one.crt',
  ]) {
    assert.equal(formatMonitorUri(parseMonitorUri(uri)), uri);
  }
});

test('the URI encrypts unless it says otherwise, and has the default port', () => {
  assert.deepEqual(parseMonitorUri('pgbaton://node0'), { host: 'node0', port: 5000, sslmode: 'require' });
});

test('user and path of a pg_auto_failover URI are ignored', () => {
  assert.deepEqual(parseMonitorUri('pgbaton://autoctl_node@node0:5432/pgbaton?sslmode=require'), {
    host: 'node0',
    port: 5432,
    sslmode: 'require',
  });
});

test('another scheme, an unknown parameter and an unsafe sslmode are refused with the way out', () => {
  assert.throws(() => parseMonitorUri('postgres://node0:5432/x'), {
    code: 'BATON_USAGE',
    hint: /pgbaton:\/\//,
  });
  assert.throws(() => parseMonitorUri('node0:5432'), { code: 'BATON_USAGE' });
  assert.throws(() => parseMonitorUri('pgbaton://node0?ssl=on'), { message: /unknown parameter "ssl"/ });
  assert.throws(() => parseMonitorUri('pgbaton://node0?sslmode=prefer'), { hint: /disable, require/ });
});

test('a password in the URI is refused and not repeated', () => {
  for (const uri of ['pgbaton://u:hunter2@node0', 'postgres://u:hunter2@node0']) {
    assert.throws(
      () => parseMonitorUri(uri),
      (error: Error) => !`${error.message}${error.stack}`.includes('hunter2'),
    );
  }
});
