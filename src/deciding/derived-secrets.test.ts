import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useToken } from './derived-secrets.ts';

const TOKEN = 'x'.repeat(43);

test('every node derives the same secrets, and each purpose and group has its own', async () => {
  const [here, there] = [useToken(TOKEN), useToken(TOKEN)];
  assert.deepEqual(await here.secrets.of('default', 0), await there.secrets.of('default', 0));
  assert.deepEqual(here.keeperKey('default'), there.keeperKey('default'));
  const first = await here.secrets.of('default', 0);
  const second = await here.secrets.of('default', 1);
  const all = [
    ...Object.values(first),
    ...Object.values(second),
    here.check('default'),
    here.check('other'),
    here.keeperKey('default').toString('base64url'),
    here.keeperKey('other').toString('base64url'),
  ];
  assert.equal(new Set(all).size, all.length);
  assert.ok(!all.some((secret) => secret.includes(TOKEN)));
});

test('another token gives other secrets, and a short one is refused without being repeated', async () => {
  const other = useToken('y'.repeat(43));
  assert.notEqual(other.check('default'), useToken(TOKEN).check('default'));
  assert.throws(
    () => useToken('hunter2'),
    (error: Error & { code?: string; detail?: string; hint?: string }) =>
      error.code === 'BATON_CONFIG_INVALID' &&
      !`${error.message}${error.detail}${error.hint}`.includes('hunter2'),
  );
  await other.secrets.forget('default', 0);
});
