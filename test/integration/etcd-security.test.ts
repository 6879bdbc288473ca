/** The store over an etcd that asks who comes: users and passwords, TLS, client certificates. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { readEtcdAccess } from '../../src/config/etcd-access.ts';
import { parseEtcdUri } from '../../src/config/etcd-uri.ts';
import { createEtcdStore } from '../../src/store/etcd/etcd-store.ts';
import { ETCD_MISSING, startEtcdCluster, type EtcdClusterOptions } from '../support/etcd-cluster.ts';
import { createTestCa } from '../support/test-ca.ts';

const CALL = { timeoutMs: 15_000 };
const SHORT = { timeoutMs: 3_000 };
const PREFIX = 'safe';

suite('an etcd that asks who comes', { skip: ETCD_MISSING }, () => {
  test('a user with a password works within its prefix, and goes on when etcd has forgotten its token', async (context) => {
    const { etcd, uri, directory } = await start(context, {});
    for (const command of [
      'user add root:secret-of-root',
      'role add pgbaton',
      `role grant-permission pgbaton --prefix=true readwrite /${PREFIX}/`,
      'user add keeper:secret',
      'user grant-role keeper pgbaton',
      'user grant-role root root',
      'auth enable',
    ]) {
      await etcd.ctl(...command.split(' '));
    }
    const passwordFile = join(directory, 'password');
    writeFileSync(passwordFile, 'secret\n', { mode: 0o600 });
    const open = (user: string, path: string) =>
      openStore(context, uri(`${user}@`, `${path}?sslmode=disable&password_file=${passwordFile}`));

    const store = await open('keeper', PREFIX);
    const first = await store.swap({ changes: [{ key: 'a', expected: null, value: '1' }] }, CALL);
    assert.ok(first.kind === 'written');
    const lease = await store.lease(30_000, CALL);
    for (const member of etcd.members) {
      await member.kill();
      member.start();
    }
    await lease.renew(CALL);
    const second = await store.swap(
      { changes: [{ key: 'a', expected: first.version, value: '2', lease }] },
      CALL,
    );
    assert.equal(second.kind, 'written');
    // A change of the users makes every token void.
    await etcd.ctl('--user', 'root:secret-of-root', 'user', 'add', 'another:secret');
    const watching = store.watch('', first.version, AbortSignal.timeout(10_000));
    const { value: message } = await watching[Symbol.asyncIterator]().next();
    assert.equal(message?.kind, 'swapped');
    assert.equal((await store.get('a', CALL))?.value, '2');
    await lease.release(CALL);

    await assert.rejects(open('keeper', 'another'), { code: 'BATON_UNAUTHORIZED' });
    await assert.rejects(open('nobody', PREFIX), { code: 'BATON_UNAUTHORIZED' });
    await assert.rejects(openStore(context, uri('', `${PREFIX}?sslmode=disable`)), {
      code: 'BATON_UNAUTHORIZED',
    });
  });

  test('TLS with client certificates: who has none, and who trusts another CA, is told so', async (context) => {
    const directory = makeDirectory(context);
    const ca = await createTestCa(join(directory, 'ours'));
    const others = await createTestCa(join(directory, 'theirs'));
    const server = await ca.issue('server');
    const client = await ca.issue('keeper');
    const { uri } = await start(context, { tls: { ca: ca.file, ...server } });
    const own = `sslcert=${client.cert}&sslkey=${client.key}`;
    for (const mode of [`sslmode=verify-full&sslrootcert=${ca.file}`, 'sslmode=require']) {
      const store = await openStore(context, uri('', `${PREFIX}?${mode}&${own}`));
      await store.list('', CALL);
    }
    await assert.rejects(
      openStore(context, uri('', `?sslmode=verify-ca&sslrootcert=${others.file}&${own}`)),
      {
        code: 'BATON_TLS_UNTRUSTED',
      },
    );
    await assert.rejects(openStore(context, uri('', `?sslmode=verify-full&sslrootcert=${ca.file}`)), {
      code: 'BATON_UNAUTHORIZED',
      hint: /sslcert/,
    });
    const stranger = await others.issue('stranger');
    await assert.rejects(
      openStore(context, uri('', `?sslrootcert=${ca.file}&sslcert=${stranger.cert}&sslkey=${stranger.key}`)),
      { code: 'BATON_UNAUTHORIZED' },
    );
  });

  test('the user of a client certificate needs no password', async (context) => {
    const directory = makeDirectory(context);
    const ca = await createTestCa(directory);
    const root = await ca.issue('root');
    const keeper = await ca.issue('keeper');
    const { etcd, uri } = await start(context, { tls: { ca: ca.file, ...root } });
    for (const command of [
      'user add root:x',
      'user grant-role root root',
      'role add pgbaton',
      `role grant-permission pgbaton --prefix=true readwrite /${PREFIX}/`,
      'user add keeper:x',
      'user grant-role keeper pgbaton',
      'auth enable',
    ]) {
      await etcd.ctl(...command.split(' '));
    }
    const files = `sslmode=verify-full&sslrootcert=${ca.file}&sslcert=${keeper.cert}&sslkey=${keeper.key}`;
    const store = await openStore(context, uri('', `${PREFIX}?${files}`));
    assert.equal(
      (await store.swap({ changes: [{ key: 'a', expected: null, value: '1' }] }, CALL)).kind,
      'written',
    );
    await assert.rejects(openStore(context, uri('', `another?${files}`)), { code: 'BATON_UNAUTHORIZED' });
  });

  test('TLS to a port that does not speak it is told as that', async (context) => {
    const { uri } = await start(context, {});
    await assert.rejects(openStore(context, uri('', '?sslmode=require'), SHORT), {
      code: 'BATON_STORE_UNAVAILABLE',
      hint: /sslmode/,
    });
  });
});

async function start(context: TestContext, options: EtcdClusterOptions) {
  const etcd = await startEtcdCluster({ size: 1, ...options });
  context.after(() => etcd.remove());
  const hosts = etcd.members.map(({ host, port }) => `${host}:${port}`).join(',');
  return {
    etcd,
    uri: (login: string, rest: string) => `etcd://${login}${hosts}/${rest}`,
    directory: makeDirectory(context),
  };
}

async function openStore(context: TestContext, uri: string, call = CALL) {
  const store = await createEtcdStore(readEtcdAccess(parseEtcdUri(uri), {}), call);
  context.after(() => store[Symbol.asyncDispose]());
  return store;
}

function makeDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-etcd-files-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
