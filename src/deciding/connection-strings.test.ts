import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup } from '../../test/support/a-group.ts';
import { formationUris } from './connection-strings.ts';

test('the URI names every node that stays, so that it outlives a change of primary', () => {
  const record = aGroup()
    .withPrimary('a')
    .withStandby('b', { entry: { host: '::1', port: 5433 } })
    .withStandby('c', { entry: { dropping: 'asked' } })
    .withSettings({ dbname: 'my app' })
    .record();
  assert.deepEqual(formationUris(record, 'require'), {
    formation: 'default',
    read_write_uri:
      'postgres://a.example:5432,[::1]:5433/my%20app?target_session_attrs=read-write&sslmode=require',
    read_only_uri:
      'postgres://a.example:5432,[::1]:5433/my%20app?target_session_attrs=prefer-standby&sslmode=require',
  });
});
