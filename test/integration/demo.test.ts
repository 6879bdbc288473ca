import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { isAlive } from '../../src/system/process.ts';
import { ETCD_MISSING } from '../support/etcd-cluster.ts';
import { postgresProcessesBelow } from '../../src/programs/demo/postgres-processes.ts';

const pgbaton = resolve(import.meta.dirname, '../../bin/pgbaton');
let parent = '';

before(() => {
  parent = mkdtempSync(join(tmpdir(), 'pgbaton-test-demo-'));
  // Started by root, the servers run as another user.
  chmodSync(parent, 0o755);
});

after(() => rmSync(parent, { recursive: true, force: true }));

const KEYS = ['bringup_s', 'failover', 'switchover', 'rejoin_s', 'nodes', 'ok'];
const needsEtcd = ETCD_MISSING === undefined ? {} : { skip: ETCD_MISSING };

test('the demo loses nothing, recovers, says so as JSON and leaves nothing behind', async () => {
  assert.deepEqual(Object.keys(await playOnce()), KEYS);
});

test('on etcd the demo does the same, and says so', needsEtcd, async () => {
  const result = await playOnce('--store', 'etcd');
  assert.deepEqual(Object.keys(result), [...KEYS, 'store']);
  assert.equal(result['store'], 'etcd');
});

async function playOnce(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const demo = startDemo(['--once', '--json', ...args]);
  assert.equal(await demo.exitCode, 0, demo.output());
  const result = JSON.parse(demo.lastLine()) as Record<string, unknown>;
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
  return result;
}

for (const store of ['monitor', 'etcd'] as const) {
  const options = store === 'etcd' ? needsEtcd : {};
  test(`Ctrl-C in the middle of the bring-up on ${store} stops and removes everything`, options, async () => {
    const demo = startDemo(['--store', store]);
    await demo.said(/node2 starts/);
    demo.process.kill('SIGINT');
    assert.equal(await demo.exitCode, 130, demo.output());
    assertNothingLeft();
  });
}

test('without the program "etcd" the demo on etcd says what to install', async () => {
  const demo = startDemo(['--once', '--store', 'etcd'], { ...process.env, PATH: '/nowhere' });
  assert.equal(await demo.exitCode, 1, demo.output());
  assert.match(demo.output(), /needs the program "etcd".*\n.*apt-get install etcd-server/);
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
  assert.deepEqual(commandsThatName(parent), []);
}

/** The command lines of all live processes that have a path below this folder in them. */
function commandsThatName(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isAlive(Number(entry)))
    .map((entry) => commandLine(entry))
    .filter((command) => command.includes(`${folder}/`));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // It ended between two looks.
    return '';
  }
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
function startDemo(args: readonly string[], env = process.env): RunningDemo {
  const child = spawn(pgbaton, ['demo', '--directory', parent, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 180_000,
    env,
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
