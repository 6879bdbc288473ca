import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEtcdUri } from './etcd-uri.ts';

test('a URI names the members, the prefix and the user, and encrypts unless it says otherwise', () => {
  assert.deepEqual(parseEtcdUri('etcd://app@h1:2379,h2,[::1]:4001/ha/prod/'), {
    endpoints: [
      { host: 'h1', port: 2379 },
      { host: 'h2', port: 2379 },
      { host: '::1', port: 4001 },
    ],
    discoveryDomain: undefined,
    prefix: 'ha/prod',
    user: 'app',
    passwordFile: undefined,
    sslmode: 'require',
    sslrootcert: undefined,
    sslcert: undefined,
    sslkey: undefined,
  });
});

test('files for TLS and for the password are parameters', () => {
  const files = 'sslrootcert=/etc/ca.crt&sslcert=/etc/a.crt&sslkey=/etc/a.key&password_file=/etc/secret';
  const address = parseEtcdUri(`etcd://h1?sslmode=verify-full&${files}`);
  assert.equal(address.prefix, 'pgbaton');
  assert.equal(address.sslmode, 'verify-full');
  assert.equal(address.sslrootcert, '/etc/ca.crt');
  assert.equal(address.sslcert, '/etc/a.crt');
  assert.equal(address.sslkey, '/etc/a.key');
  assert.equal(address.passwordFile, '/etc/secret');
});

test('members can be looked up in the DNS', () => {
  const { endpoints, discoveryDomain } = parseEtcdUri('etcd+srv://example.org/ha?sslmode=disable');
  assert.deepEqual(endpoints, []);
  assert.equal(discoveryDomain, 'example.org');
  assert.throws(() => parseEtcdUri('etcd+srv://a,b'), { hint: /one domain/ });
});

test('what is wrong is named, with the way out', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['http://h1:2379', /not the URI of a store in etcd/],
    ['etcd://', /names no host/],
    ['etcd://h1:99999', /"h1:99999"/],
    ['etcd://h1,,h2', /"" in the etcd URI/],
    ['etcd://h1:2379x', /"h1:2379x"/],
    ['etcd://h1?tls=on', /unknown parameter "tls"/],
    ['etcd://h1?sslmode=prefer', /sslmode "prefer"/],
    ['etcd://h1?sslcert=/a.crt', /only one of sslcert and sslkey/],
    ['etcd://h1?sslmode=disable&sslrootcert=/ca.crt', /sslmode=disable/],
    ['etcd://h1/%E0', /not well encoded/],
  ];
  for (const [uri, message] of cases)
    assert.throws(() => parseEtcdUri(uri), { code: 'BATON_USAGE', message });
});

test('a password in the URI is refused and not repeated', () => {
  for (const uri of ['etcd://u:hunter2@h1', 'redis://u:hunter2@h1']) {
    assert.throws(
      () => parseEtcdUri(uri),
      (error: Error) => !`${error.message}${error.stack}`.includes('hunter2'),
    );
  }
});
