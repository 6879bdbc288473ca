/** `bin/pgbaton` as people and scripts run it, against a real monitor; no PostgreSQL is needed. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';

const root = resolve(import.meta.dirname, '../..');
const PGBATON = join(root, 'bin/pgbaton');

before(() => void execFileSync(join(root, 'scripts/set-up')));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder to work in, with commands that run there; what was started is gone when the test ends. */
interface Workplace {
  readonly directory: string;
  readonly port: number;
  run(...line: readonly string[]): Promise<Ended>;
  /** Runs a command that is expected to do what it says, and returns its stdout. */
  done(...line: readonly string[]): Promise<string>;
  start(...line: readonly string[]): ChildProcess & { readonly output: () => string };
}

async function aWorkplace(t: TestContext, env: Record<string, string> = {}): Promise<Workplace> {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-cli-'));
  // As root the monitor becomes an unprivileged user, who has to get here.
  chmodSync(directory, 0o755);
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const started: ChildProcess[] = [];
  t.after(() => started.forEach((child) => child.kill('SIGKILL')));
  const launch = (line: readonly string[]): ChildProcess => {
    const child = spawn(PGBATON, line, {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: directory, PGDATA: './monitor', PGPORT: String(port), ...env },
    });
    started.push(child);
    return child;
  };
  const run = async (...line: readonly string[]): Promise<Ended> => {
    const child = launch(line);
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code] = (await once(child, 'close', { signal: AbortSignal.timeout(60_000) })) as [number | null];
    return { code, stdout, stderr };
  };
  return {
    directory,
    port,
    run,
    async done(...line) {
      const ended = await run(...line);
      assert.equal(ended.code, 0, `${line.join(' ')}: ${ended.stderr}`);
      return ended.stdout;
    },
    start(...line) {
      const child = launch(line);
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
      }
      return Object.assign(child, { output: () => output });
    },
  };
}

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endsAtMs = performance.now() + 30_000;
  while (!(await holds())) {
    assert.ok(performance.now() < endsAtMs, `not in time: ${what}`);
    await pause(50);
  }
}

/** Creates and runs a monitor with one command, as the first walk does. */
async function runMonitor(
  place: Workplace,
  ...flags: readonly string[]
): Promise<ChildProcess & { output: () => string }> {
  const line = ['create', 'monitor', '--ssl-self-signed', '--hostname', 'localhost', ...flags, '--run'];
  const monitor = place.start(...line);
  await eventually('the monitor answers', async () => {
    assert.equal(monitor.exitCode, null, monitor.output());
    return (await place.run('show', 'state')).code === 0;
  });
  return monitor;
}

test('a monitor is created, run, asked, stopped and dropped', async (t) => {
  const place = await aWorkplace(t);
  const monitor = await runMonitor(place, '--auth', 'trust');
  const uri = `pgbaton://localhost:${place.port}?sslmode=require\n`;
  assert.equal(await place.done('show', 'uri', '--monitor', '--pgdata', './monitor'), uri);
  assert.equal(await place.done('show', 'uri', '--formation', 'monitor'), uri);
  assert.match(await place.done('show', 'uri'), /^ +monitor \| monitor \| pgbaton:\/\/localhost/m);
  assert.match(await place.done('show', 'state'), /^Name \|  Node \| Host:Port \|/);

  assert.match(await place.done('status'), new RegExp(`monitor \\| +${monitor.pid} \\| running`));
  assert.deepEqual(JSON.parse(await place.done('status', '--json')), { monitor: monitor.pid });
  assert.match(await place.done('stop'), /The monitor \(pid \d+\) has stopped/);
  await eventually('the process has ended', () => monitor.exitCode !== null);
  assert.equal(monitor.exitCode, 0);
  assert.equal((await place.run('status')).code, 1);
  assert.equal((await place.run('stop')).code, 1);

  await place.done('drop', 'monitor', '--destroy');
  assert.equal(existsSync(join(place.directory, 'monitor')), false);
});

test('formations are made, shown and dropped', async (t) => {
  const place = await aWorkplace(t);
  await runMonitor(place, '--auth', 'trust');
  await place.done('create', 'formation', '--formation', 'f3', '--kind', 'pgsql', '--dbname', 'app');
  const settings = JSON.parse(await place.done('show', 'settings', '--formation', 'f3', '--json')) as {
    formation: { dbname: string };
  };
  assert.equal(settings.formation.dbname, 'app');
  assert.match(
    await place.done('get', 'formation', 'settings', '--formation', 'f3'),
    /formation \| +f3 \| +dbname \| app/,
  );

  const twice = await place.run('create', 'formation', '--formation', 'f3');
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /^pgbaton: /);
  const empty = await place.run('show', 'uri', '--formation', 'f3');
  assert.equal(empty.code, 4);

  await place.done('set', 'formation', 'number-sync-standbys', 'auto', '--formation', 'f3');
  assert.equal(await place.done('get', 'formation', 'number-sync-standbys', '--formation', 'f3'), 'auto\n');
  const tooMany = await place.run('set', 'formation', 'number-sync-standbys', '2', '--formation', 'f3');
  assert.equal(tooMany.code, 4);

  assert.match(await place.done('why', '--formation', 'f3'), /Nobody holds the baton/);
  await place.done('drop', 'formation', '--formation', 'f3');
  const gone = await place.run('show', 'state', '--formation', 'f3', '--json');
  assert.equal(gone.code, 1);
  const { error } = JSON.parse(gone.stderr) as { error: { code: string } };
  assert.equal(error.code, 'BATON_FORMATION_NOT_FOUND');
});

test('a monitor with a token lets nobody in without it, and shows it to nobody', async (t) => {
  const place = await aWorkplace(t);
  const monitor = await runMonitor(place);
  const tokenFile = join(place.directory, 'monitor/token');
  const token = readFileSync(tokenFile, 'utf8').trim();
  assert.equal(statSync(tokenFile).mode & 0o777, 0o600);
  const uri = (await place.done('show', 'uri', '--monitor')).trim();

  const elsewhere = await aWorkplace(t, { PGDATA: '' });
  const without = await elsewhere.run('show', 'state', '--monitor', uri);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /^pgbaton: .*token/);
  copyFileSync(tokenFile, join(elsewhere.directory, 'token'));
  chmodSync(join(elsewhere.directory, 'token'), 0o600);
  await elsewhere.done('show', 'state', '--monitor', uri, '--token-file', 'token');
  writeFileSync(join(elsewhere.directory, 'token'), 'wrong\n');
  assert.equal((await elsewhere.run('show', 'state', '--monitor', uri, '--token-file', 'token')).code, 1);

  assert.ok(!monitor.output().includes(token) && !without.stderr.includes(token));
  const commandLine = readFileSync(`/proc/${monitor.pid}/cmdline`, 'utf8');
  assert.ok(!commandLine.includes(token));
});

test('a monitor that can not be reached has an exit code of its own', async (t) => {
  const place = await aWorkplace(t, { PGDATA: '' });
  const { code, stderr } = await place.run('show', 'state', '--monitor', 'pgbaton://localhost:16399');
  assert.equal(code, 3);
  assert.match(stderr, /^pgbaton: could not reach the monitor at localhost:16399\nDETAIL: {2}.*\nHINT: {2}/);
});

test('a certificate that is not trusted is told as that', async (t) => {
  const place = await aWorkplace(t);
  await runMonitor(place, '--auth', 'trust');
  const uri = `pgbaton://localhost:${place.port}?sslmode=verify-full`;
  const untrusted = await place.run('show', 'state', '--monitor', uri, '--json');
  assert.equal(untrusted.code, 3);
  assert.match(untrusted.stderr, /BATON_TLS_UNTRUSTED/);
  await place.done('show', 'state', '--monitor', `${uri}&sslrootcert=monitor/server.crt`);
});

test('the configuration is shown, changed and checked, and a running monitor reads it again', async (t) => {
  const place = await aWorkplace(t);
  const monitor = await runMonitor(place, '--auth', 'trust');
  assert.equal(await place.done('config', 'get', 'port'), `${place.port}\n`);
  assert.equal(await place.done('config', 'set', 'log.level', 'debug'), 'debug\n');
  await eventually('the monitor has read it', () => monitor.output().includes('reloaded'));
  await place.done('reload');

  const unknown = await place.run('config', 'set', 'log.levle', 'debug');
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /Did you mean "log\.level"/);
  assert.equal((await place.run('config', 'set', 'port', 'http')).code, 1);
  await place.done('config', 'check');

  const file = (await place.done('show', 'file', '--config')).trim();
  const owner = statSync(file).uid;
  assert.equal(owner, statSync(join(place.directory, 'monitor')).uid);
  writeFileSync(join(place.directory, 'broken.yaml'), 'role: monitor\nhostname: localhost\nprt: 5000\n');
  const broken = await place.run('config', 'check', 'broken.yaml');
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /line 3: unknown key "prt" \(did you mean "port"\?\)/);
});

test('show systemd prints a unit and nothing else, as a file for systemd', async (t) => {
  const place = await aWorkplace(t);
  await place.done(
    'create',
    'monitor',
    '--hostname',
    'localhost',
    '--auth',
    'trust',
    '--no-ssl',
    '--pgctl',
    '/x/pg_ctl',
  );
  const unit = await place.done('-q', 'show', 'systemd', '--pgdata', 'monitor');
  assert.match(unit, /^\[Unit\]\n/);
  assert.ok(unit.includes(`Environment="PGDATA=${join(place.directory, 'monitor')}"\n`));
  assert.ok(unit.includes(`ExecStart="${PGBATON}" run\n`));
  verifyUnit(place.directory, unit);
  const quiet = await place.run('--quiet', 'show', 'systemd');
  assert.equal(quiet.stderr, '');
});

/** By systemd's own check, where there is one. */
function verifyUnit(directory: string, unit: string): void {
  const file = join(directory, 'pgbaton.service');
  writeFileSync(file, unit);
  const { error, status, stderr } = spawnSync('systemd-analyze', ['verify', file], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (error === undefined) assert.equal(`${status} ${stderr}`, '0 ');
}

test('a second run of the same directory is refused, and the first goes on', async (t) => {
  const place = await aWorkplace(t);
  const monitor = await runMonitor(place, '--auth', 'trust');
  const second = await place.run('run');
  assert.equal(second.code, 1);
  assert.match(second.stderr, /runs for this directory already/);
  const again = await place.run('create', 'monitor', '--hostname', 'localhost');
  assert.equal(again.code, 4);
  assert.equal(monitor.exitCode, null);
});

test('a monitor with nodes is not dropped without force', async (t) => {
  const place = await aWorkplace(t);
  await runMonitor(place, '--auth', 'trust', '--skip-pg-hba');
  const { createMonitorClient } = await import('../../src/api/client.ts');
  const client = createMonitorClient({ host: 'localhost', port: place.port, sslmode: 'require' });
  t.after(() => client.close());
  await client.registerNode('default', { host: 'localhost', port: 16_398, auth: 'trust' });

  assert.match(await place.done('show', 'state'), /node_1 \| +1 \| localhost:16398 \|/);
  assert.equal(
    await place.done('show', 'uri', '--formation', 'default'),
    'postgres://localhost:16398/postgres?target_session_attrs=read-write&sslmode=require\n',
  );
  assert.equal(await place.done('get', 'node', 'candidate-priority', '--name', 'node_1'), '50\n');
  await place.done('set', 'node', 'candidate-priority', '0', '--name', 'node_1');
  await place.done('set', 'node', 'metadata', '--name', 'node_1', '--rename', 'berlin');
  assert.match(await place.done('show', 'nodes'), /berlin \| +1 \| localhost:16398 \| +0 \|/);
  assert.match(await place.done('show', 'events', '--count', '3'), /operator/);

  const refused = await place.run('drop', 'monitor', '--destroy');
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /1 node is still registered/);
  assert.equal((await place.run('perform', 'switchover')).code, 4);
  await place.done('drop', 'node', '--name', 'berlin', '--force');
  await place.done('drop', 'monitor', '--destroy');
});

test('pgbaton runs from any folder and through symbolic links', async (t) => {
  const place = await aWorkplace(t);
  symlinkSync(PGBATON, join(place.directory, 'first'));
  symlinkSync('first', join(place.directory, 'second'));
  const output = execFileSync(join(place.directory, 'second'), ['version'], { cwd: '/', encoding: 'utf8' });
  assert.match(output, /^pgbaton \d/);
});

test('a live view without a terminal is refused, and events can be followed as lines', async (t) => {
  const place = await aWorkplace(t);
  await runMonitor(place, '--auth', 'trust');
  assert.equal((await place.run('watch')).code, 2);
  const events = place.start('show', 'events', '--watch');
  await eventually('the header is there', () => events.output().includes('Event Time'));
  events.kill('SIGINT');
  await once(events, 'close', { signal: AbortSignal.timeout(20_000) });
  assert.equal(events.exitCode, 0);
});
