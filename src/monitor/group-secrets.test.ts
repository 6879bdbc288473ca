import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createGroupSecrets } from './group-secrets.ts';

function temporaryDirectory(context: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'pgbaton-secrets-'));
  context.after(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, 'secrets');
}

test('a group has the same passwords for ever, also for nodes that ask at once and after a restart', async (context) => {
  const directory = temporaryDirectory(context);
  const secrets = createGroupSecrets(directory);
  const [first, second] = await Promise.all([secrets.of('default', 0), secrets.of('default', 0)]);
  assert.deepEqual(first, second);
  assert.deepEqual(await createGroupSecrets(directory).of('default', 0), first);
  assert.notEqual(first.keeper_password, first.replication_password);
  assert.notDeepEqual(await secrets.of('other', 0), first);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  for (const file of readdirSync(directory))
    assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600);
});

test('a damaged file is named, never quoted and never replaced', async (context) => {
  const directory = temporaryDirectory(context);
  const secrets = createGroupSecrets(directory);
  const { keeper_password: password } = await secrets.of('default', 0);
  writeFileSync(join(directory, 'default@0.json'), `{"keeper_password":"${password}"`);
  await assert.rejects(secrets.of('default', 0), (error: Error) => {
    assert.match(error.message, /default@0\.json" is damaged/);
    assert.ok(!`${error.message}${error.stack}${String(error.cause)}`.includes(password));
    return true;
  });
});

test('a group that is gone leaves no passwords behind', async (context) => {
  const directory = temporaryDirectory(context);
  const secrets = createGroupSecrets(directory);
  await secrets.of('default', 0);
  await secrets.forget('default', 0);
  await secrets.forget('default', 0);
  assert.deepEqual(readdirSync(directory), []);
});
