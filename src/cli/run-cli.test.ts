import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { aCliContext } from '../../test/support/a-cli-context.ts';
import { aNodeView, aPrimaryView } from '../../test/support/a-node-view.ts';
import { aGroup } from '../../test/support/a-group.ts';
import { BatonError } from '../lib/baton-error.ts';
import { VERSION } from '../lib/version.ts';
import { runCli } from './run-cli.ts';

const record = aGroup().withPrimary('node_1').withStandby('node_2').record();
const group = { record, record_version: 7, nodes: [aPrimaryView(), aNodeView()] };
const env = { PGBATON_MONITOR: 'pgbaton://localhost:5000' };

test('help is no error and goes to stdout', async () => {
  const context = aCliContext();
  assert.equal(await runCli(['--help'], context), 0);
  assert.match(context.written.stdout, /^Usage: pgbaton/);
  assert.equal(context.written.stderr, '');
});

test('every command has a help text with an example', async () => {
  for (const line of [
    ['show', 'state'],
    ['create', 'postgres'],
    ['perform', 'switchover'],
    ['why'],
    ['config', 'set'],
  ]) {
    const context = aCliContext();
    assert.equal(await runCli([...line, '--help'], context), 0);
    assert.match(context.written.stdout, /^Examples?:\n {2}pgbaton /m);
  }
});

test('the version is printed by an option and by a command', async () => {
  for (const line of [['--version'], ['version']]) {
    const context = aCliContext();
    assert.equal(await runCli(line, context), 0);
    assert.ok(context.written.stdout.includes(VERSION));
  }
});

test('a mistyped command or option is wrong usage, with the word that was meant', async () => {
  const cases = [
    [['shw', 'state'], 'pgbaton: unknown command "shw"\nHINT:  Did you mean show?\n'],
    [['show', 'stat'], 'pgbaton: unknown command "stat"\nHINT:  Did you mean state?\n'],
    [
      ['show', 'state', '--formaton', 'x'],
      'pgbaton: unknown option "--formaton"\nHINT:  Did you mean --formation?\n',
    ],
  ] as const;
  for (const [line, text] of cases) {
    const context = aCliContext();
    assert.equal(await runCli(line, context), 2);
    assert.equal(context.written.stderr, text);
  }
});

test('a verb without its noun shows what there is, and is wrong usage', async () => {
  const context = aCliContext();
  assert.equal(await runCli(['show'], context), 2);
  assert.match(context.written.stderr, /Commands:\n {2}state/);
});

test('values are checked before anything is asked', async () => {
  const lines = [
    ['show', 'state', '--formation', '-x y'],
    ['show', 'state', '--group', 'two'],
    ['perform', 'switchover', '--wait', 'long'],
    ['set', 'node', 'candidate-priority', '101', '--name', 'a'],
    ['set', 'node', 'replication-quorum', 'perhaps', '--name', 'a'],
    ['set', 'formation', 'number-sync-standbys', '99'],
    ['create', 'formation', '--formation', 'f', '--kind', 'citys'],
    ['create', 'postgres', '--auth', 'nobody'],
    ['create', 'postgres', '--maximum-backup-rate', 'fast'],
  ];
  for (const line of lines) {
    const context = aCliContext({ env });
    assert.equal(await runCli(line, context), 2, line.join(' '));
    assert.deepEqual(context.connections, []);
  }
});

test('a command that finds no monitor names the three ways to give one', async () => {
  const context = aCliContext();
  assert.equal(await runCli(['show', 'state'], context), 2);
  assert.match(context.written.stderr, /--monitor .*PGBATON_MONITOR.*--pgdata/);
});

test('errors have the exit code of their kind', async () => {
  const cases = [
    ['BATON_UNREACHABLE', 3],
    ['BATON_UNSAFE', 4],
    ['BATON_FORMATION_NOT_FOUND', 1],
    ['BATON_UNAUTHORIZED', 1],
  ] as const;
  for (const [code, exitCode] of cases) {
    const getGroup = () => Promise.reject(new BatonError(code, 'no'));
    assert.equal(await runCli(['show', 'state'], aCliContext({ env, client: { getGroup } })), exitCode);
  }
});

test('with --json errors are JSON on stderr', async () => {
  const getGroup = () => Promise.reject(new BatonError('BATON_UNREACHABLE', 'gone', { hint: 'Look.' }));
  const context = aCliContext({ env, client: { getGroup } });
  await runCli(['show', 'state', '--json'], context);
  assert.equal(context.written.stdout, '');
  assert.deepEqual(JSON.parse(context.written.stderr), {
    error: { code: 'BATON_UNREACHABLE', message: 'gone', hint: 'Look.' },
  });
});

test('global options are taken before and after the verb', async () => {
  for (const line of [
    ['--json', 'show', 'state'],
    ['show', 'state', '--json'],
  ]) {
    const context = aCliContext({ env, client: { getGroup: () => Promise.resolve(group) } });
    assert.equal(await runCli(line, context), 0);
    assert.deepEqual(JSON.parse(context.written.stdout), group.nodes);
  }
});

test('an unexpected error is told as a fault, and fails', async () => {
  const getGroup = () => Promise.reject(new TypeError('x is undefined'));
  const context = aCliContext({ env, client: { getGroup } });
  assert.equal(await runCli(['show', 'state'], context), 1);
  assert.match(context.written.stderr, /x is undefined\nHINT: {2}This is a fault of pgbaton/);
});

test('a switchover that is only tried prints the plan and asks for nothing more', async () => {
  const asked: unknown[] = [];
  const context = aCliContext({
    env,
    client: {
      getGroup: () => Promise.resolve(group),
      switchover: (_address, body) => {
        asked.push(body);
        return Promise.resolve({
          accepted: false,
          because: 'b',
          plan: ['first', 'second'],
          record_version: 7,
        });
      },
    },
  });
  assert.equal(await runCli(['perform', 'switchover', '--name', 'node_2', '--dry-run'], context), 0);
  assert.deepEqual(asked, [{ target: 'node_2', requested_by: 'alice@desk', dry_run: true }]);
  assert.match(context.written.stdout, /^ 1\. first\n 2\. second\nThis was a dry run/);
});

test('a node that does not exist is named with the one that was meant', async () => {
  const context = aCliContext({ env, client: { getGroup: () => Promise.resolve(group) } });
  assert.equal(await runCli(['perform', 'switchover', '--name', 'node2'], context), 1);
  assert.match(context.written.stderr, /has no node "node2"\nHINT: {2}Did you mean "node_2"\?/);
});

test('data is never given up without a word from a person', async () => {
  for (const answer of [undefined, 'yes']) {
    const context = aCliContext({
      env,
      client: { getGroup: () => Promise.resolve(group) },
      ...(answer === undefined ? {} : { answer }),
    });
    assert.equal(await runCli(['perform', 'failover', '--allow-data-loss'], context), 4);
    assert.match(context.written.stderr, /was not confirmed/);
  }
});

test('without waiting, a change ends when the monitor has accepted it', async () => {
  const accepted = { accepted: true, because: 'alice asked', plan: [], record_version: 8 };
  const context = aCliContext({
    env,
    answer: 'lose data',
    client: { getGroup: () => Promise.resolve(group), failover: () => Promise.resolve(accepted) },
  });
  assert.equal(await runCli(['perform', 'failover', '--allow-data-loss', '--no-wait'], context), 0);
  assert.equal(context.written.stdout, 'alice asked\n');
});

test('create postgres turns its options into the configuration of the node', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-cli-'));
  t.after(() => rmSync(directory, { recursive: true }));
  let given: unknown;
  const context = aCliContext({
    cwd: directory,
    env: { PGDATA: './node_1', PGPORT: '5001' },
    services: {
      createNode: (options) => {
        given = options;
        return Promise.resolve({
          name: 'node_1',
          nodeId: 1,
          formation: 'default',
          stateDirectory: 's',
          newTokenFile: null,
        });
      },
    },
  });
  const line =
    'create postgres --hostname localhost --auth trust --ssl-self-signed --pgctl /opt/pg/bin/pg_ctl --pg-hba-lan --candidate-priority 70 --replication-quorum false --monitor pgbaton://autoctl_node@localhost:5000/pgbaton?sslmode=require';
  assert.equal(await runCli(line.split(' '), context), 0);
  assert.deepEqual(given, {
    token: undefined,
    config: {
      role: 'postgres',
      name: null,
      formation: 'default',
      group: 0,
      nodeId: null,
      monitor: { uri: 'pgbaton://localhost:5000?sslmode=require', tokenFile: null },
      store: { uri: null, tokenFile: null },
      keeper: { port: null },
      hostname: 'localhost',
      postgres: {
        dataDirectory: join(directory, 'node_1'),
        binDirectory: '/opt/pg/bin',
        port: 5001,
        listenAddresses: '*',
        socketDirectory: null,
        username: null,
        dbname: 'postgres',
        auth: 'trust',
        hba: 'lan',
      },
      ssl: { mode: 'self-signed', certFile: null, keyFile: null, caFile: null, sslmode: 'require' },
      replication: { maximumBackupRate: '100M' },
      watchdog: { mode: 'off', device: '/dev/watchdog', marginSeconds: 5 },
      candidatePriority: 70,
      replicationQuorum: false,
      log: { level: 'info', format: 'auto' },
    },
  });
  assert.match(context.written.stdout, /"node_1" is node 1 of formation "default"/);
});
