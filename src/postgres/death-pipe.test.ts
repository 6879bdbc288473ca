import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { openDeathPipe } from './death-pipe.ts';

/** A parent that alone can write to a pipe which its child can read. */
async function family(t: TestContext): Promise<{ readonly parent: number; readonly child: number }> {
  // The child itself tells its pid: right after the fork it still has its parent's end of the pipe.
  const script = `exec 3>&1; coproc exec sh -c 'echo $$ >&3; exec sleep 600 3>&-'; wait`;
  const parent = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(line.toString());
  t.after(() => {
    parent.kill('SIGKILL');
    process.kill(child, 'SIGKILL');
  });
  return { parent: parent.pid ?? 0, child };
}

test('the end of a postmaster that is killed is told at once, and its child need not end', async (t) => {
  const { parent, child } = await family(t);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  assert.ok(openDeathPipe(parent, child, resolve));
  process.kill(parent, 'SIGKILL');
  await ended;
  assert.ok(process.kill(child, 0));
});

test('one that is closed tells nothing any more', async (t) => {
  const { parent, child } = await family(t);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const told: string[] = [];
  const closed = openDeathPipe(parent, child, () => told.push('closed'));
  openDeathPipe(parent, child, resolve);
  closed?.close();
  process.kill(parent, 'SIGKILL');
  await ended;
  assert.deepEqual(told, []);
});

test('a pipe that the child can write too is none, and neither is that of another process', async (t) => {
  const { parent, child } = await family(t);
  assert.equal(
    openDeathPipe(parent, parent, () => undefined),
    undefined,
  );
  assert.equal(
    openDeathPipe(process.pid, child, () => undefined),
    undefined,
  );
  assert.equal(
    openDeathPipe(2 ** 22 + 1, child, () => undefined),
    undefined,
  );
});
