import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { destroyDirectories } from './destroy-directories.ts';

function aFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgbaton-destroy-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('directories that are what they should be are removed, absent ones passed over', (t) => {
  const folder = aFolder(t);
  const data = join(folder, 'data');
  mkdirSync(join(data, 'base'), { recursive: true });
  writeFileSync(join(data, 'PG_VERSION'), '15\n');
  destroyDirectories({ directories: [data, join(folder, 'absent')], marks: ['PG_VERSION'] });
  assert.equal(existsSync(data), false);
});

test("nothing is removed when one of them looks like somebody else's", (t) => {
  const folder = aFolder(t);
  const data = join(folder, 'data');
  const foreign = join(folder, 'foreign');
  mkdirSync(data);
  mkdirSync(foreign);
  writeFileSync(join(data, 'PG_VERSION'), '15\n');
  writeFileSync(join(foreign, 'thesis.txt'), 'x');
  assert.throws(() => destroyDirectories({ directories: [data, foreign], marks: ['PG_VERSION'] }), {
    code: 'BATON_DATA_DIRECTORY',
  });
  assert.equal(existsSync(data), true);
});

test('what links lead to is left, and told', (t) => {
  const folder = aFolder(t);
  const data = join(folder, 'data');
  const space = join(folder, 'space');
  mkdirSync(join(data, 'pg_tblspc'), { recursive: true });
  mkdirSync(space);
  writeFileSync(join(data, 'PG_VERSION'), '15\n');
  symlinkSync(space, join(data, 'pg_tblspc', '16400'));
  const { left } = destroyDirectories({ directories: [data], marks: ['PG_VERSION'] });
  assert.deepEqual(left, [space]);
  assert.equal(existsSync(space), true);
});
