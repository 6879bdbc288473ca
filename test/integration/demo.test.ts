import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { findProcessesIn } from '../../src/system/process.ts';
import { postgresProcessesBelow } from '../../src/programs/demo/postgres-processes.ts';

const pgbaton = resolve(import.meta.dirname, '../../bin/pgbaton');
let parent = '';

before(() => {
  parent = mkdtempSync(join(tmpdir(), 'pgbaton-test-demo-'));
  // Started by root, the servers run as another user.
  chmodSync(parent, 0o755);
});

after(() => rmSync(parent, { recursive: true, force: true }));

test('the demo loses nothing, recovers, says so as JSON and leaves nothing behind', async () => {
  const demo = startDemo(['--once', '--json']);
  assert.equal(await demo.exitCode, 0, demo.output());
  const result = JSON.parse(demo.lastLine()) as Record<string, unknown>;
  assert.deepEqual(Object.keys(result), ['bringup_s', 'failover', 'switchover', 'rejoin_s', 'nodes', 'ok']);
  const { failover, switchover, nodes, ok } = result as {
    failover: Record<string, number>;
    switchover: Record<string, number>;
    nodes: number;
    ok: boolean;
  };
  assert.deepEqual(
    { nodes, ok, lost: [failover['lost'], switchover['lost']] },
    { nodes: 3, ok: true, lost: [0, 0] },
  );
  assert.ok((failover['acked'] ?? 0) > 0 && (switchover['acked'] ?? 0) > 0);
  assertNothingLeft();
});

test('Ctrl-C in the middle of the bring-up stops and removes everything', async () => {
  const demo = startDemo([]);
  await demo.said(/node2 starts/);
  demo.process.kill('SIGINT');
  assert.equal(await demo.exitCode, 130, demo.output());
  assertNothingLeft();
});

test('Ctrl-C while the group runs checks what was acknowledged and removes everything', async () => {
  const demo = startDemo(['--nodes', '2']);
  await demo.said(/Ctrl-C ends and removes/);
  demo.process.kill('SIGINT');
  assert.equal(await demo.exitCode, 0, demo.output());
  assert.match(demo.output(), /rows were acknowledged in all, and none of them lost/);
  assertNothingLeft();
});

test('a number of nodes that makes no group is refused', async () => {
  const demo = startDemo(['--once', '--nodes', '1']);
  assert.notEqual(await demo.exitCode, 0);
  assertNothingLeft();
});

function assertNothingLeft(): void {
  assert.deepEqual(readdirSync(parent), []);
  assert.deepEqual(postgresProcessesBelow(parent), []);
  assert.deepEqual(findProcessesIn(parent, ['node']), []);
}

interface RunningDemo {
  readonly process: ChildProcess;
  readonly exitCode: Promise<number | null>;
  /** Waits until the output has a match. Rejects when the demo ends before. */
  said(pattern: RegExp): Promise<void>;
  output(): string;
  lastLine(): string;
}

/** A demo that hangs is killed after three minutes, and the test fails by its exit code. */
function startDemo(args: readonly string[]): RunningDemo {
  const child = spawn(pgbaton, ['demo', '--directory', parent, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 180_000,
  });
  let stdout = '';
  let stderr = '';
  const news = new EventTarget();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    news.dispatchEvent(new Event('said'));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exitCode = new Promise<number | null>((done) => child.once('close', done));
  return {
    process: child,
    exitCode,
    said: (pattern) =>
      new Promise((done, reject) => {
        const look = (): void => {
          if (pattern.test(stdout)) done();
        };
        news.addEventListener('said', look);
        child.once('close', () =>
          reject(new Error(`the demo never said ${pattern.source}: ${stdout}${stderr}`)),
        );
        look();
      }),
    output: () => stdout + stderr,
    lastLine: () => stdout.trimEnd().split('\n').at(-1) ?? '',
  };
}
