import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';

const setUp = resolve(import.meta.dirname, '../../scripts/set-up');

test('set-up has nothing to do and nothing to say when it was run before', () => {
  assert.equal(run().status, 0);
  const { status, stdout, stderr } = run();
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});

function run(): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(setUp, { encoding: 'utf8', timeout: 600_000 });
}
