import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import {
  findProcessesIn,
  isAlive,
  readProcess,
  sendSignal,
  voluntarySwitches,
  workingDirectory,
} from './process.ts';

test('a process is known by name, parent, start and working directory', async (t) => {
  const directory = realpathSync(tmpdir());
  const child = spawn('sleep', ['600'], { cwd: directory, stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const found = readProcess(pid);
  assert.equal(found?.name, 'sleep');
  assert.equal(found.parentPid, process.pid);
  assert.ok(found.startTicks > 0);
  assert.equal(workingDirectory(pid), directory);
  assert.ok(findProcessesIn(directory, ['sleep']).some((other) => other.pid === pid));
  assert.ok((voluntarySwitches(pid) ?? 0) > 0);

  assert.equal(isAlive(pid), true);
  assert.equal(sendSignal(pid, 'SIGKILL'), true);
  await once(child, 'exit');
  assert.equal(isAlive(pid), false);
  assert.equal(readProcess(pid), undefined);
  assert.equal(sendSignal(pid, 'SIGKILL'), false);
  assert.equal(voluntarySwitches(pid), undefined);
});
