import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { aCliContext } from '../../test/support/a-cli-context.ts';
import { aDecidedGroup } from '../../test/support/a-decided-group.ts';
import { runCli } from './run-cli.ts';

const env = { PGBATON_MONITOR: 'pgbaton://localhost:5000' };

/** A folder with `incident.jsonl`, of a group that has failed over. */
async function openIncident(t: TestContext) {
  const cwd = mkdtempSync(join(tmpdir(), 'pgbaton-replay-'));
  t.after(() => rmSync(cwd, { recursive: true }));
  const group = await aDecidedGroup();
  await group.form();
  await group.failOver();
  const run = async (...line: readonly string[]) => {
    const context = aCliContext({ env, cwd, client: group.client });
    const exitCode = await runCli(line, context);
    return { exitCode, ...context.written };
  };
  const file = join(cwd, 'incident.jsonl');
  const written = await run('show', 'events', '--export', 'incident.jsonl');
  assert.equal(written.exitCode, 0, written.stderr);
  const tamper = (before: string, after: string): void => {
    const text = readFileSync(file, 'utf8');
    assert.ok(text.includes(before));
    writeFileSync(file, text.replace(before, after));
  };
  return { run, file, cwd, tamper, written };
}

test('an incident is exported for its owner only, and replayed decision by decision', async (t) => {
  const { run, file, written } = await openIncident(t);
  assert.match(written.stdout, /^\d+ events written to incident.jsonl\n$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const { exitCode, stdout } = await run('replay', 'incident.jsonl');
  assert.equal(exitCode, 0);
  assert.match(stdout, /same +\| fail_over +\| PostgreSQL of "a"/);
  assert.match(stdout, /same +\| begin_reign/);
  assert.match(stdout, /\n\d+ decisions replayed, 0 different; 2 requests, 0 gaps\.\n$/);
});

test('an export to stdout is the file itself', async (t) => {
  const { run, file } = await openIncident(t);
  const { stdout } = await run('show', 'events', '--export', '-', '--count', '1000');
  const [, ...lines] = stdout.split('\n');
  assert.deepEqual(lines, readFileSync(file, 'utf8').split('\n').slice(1));
});

test('a file that exists is not written over, and watching is not exporting', async (t) => {
  const { run } = await openIncident(t);
  const again = await run('show', 'events', '--export', 'incident.jsonl');
  assert.equal(again.exitCode, 4);
  assert.match(again.stderr, /the file "incident.jsonl" exists/);
  assert.equal((await run('show', 'events', '--export', 'x', '--watch')).exitCode, 2);
});

test('one event in full has the evidence of each node and the changes of the record', async (t) => {
  const { run } = await openIncident(t);
  const { steps } = JSON.parse((await run('replay', 'incident.jsonl', '--json')).stdout) as {
    steps: readonly { event: number; rule?: string; outcome: string }[];
  };
  assert.ok(steps.every(({ outcome }) => outcome === 'same' || outcome === 'request'));
  const failOver = steps.find(({ rule }) => rule === 'fail_over');
  const { exitCode, stdout } = await run('replay', 'incident.jsonl', '--at', String(failOver?.event));
  assert.equal(exitCode, 0);
  assert.match(stdout, /^a \(holder\) +\| +0 ms ago \| crashed \| +\| 1: 0\/5000000/m);
  assert.match(stdout, /^b +\| +\d+ ms ago \| running \| standby/m);
  assert.match(stdout, /^ {2}term: 1 → 2$/m);
  assert.match(stdout, /^ {2}intent: none → \{kind: failover/m);
  assert.match(stdout, /The replay decides the same/);
  assert.equal((await run('replay', 'incident.jsonl', '--at', '99999')).exitCode, 2);
});

test('a decision that is not the recorded one fails, and both are shown', async (t) => {
  const { run, tamper } = await openIncident(t);
  tamper('"status":"crashed"', '"status":"running"');
  const { exitCode, stdout } = await run('replay', 'incident.jsonl');
  assert.equal(exitCode, 1);
  assert.match(stdout, /is different: .*\n {2}recorded: fail_over: PostgreSQL of "a".*\n {2}replayed: /);
  const json = await run('replay', 'incident.jsonl', '--json');
  assert.equal(json.exitCode, 1);
  assert.match(json.stdout, /"recorded": \{\n +"rule": "fail_over"/);
});

test('a file that can not be replayed is an error with its own code', async (t) => {
  const { run, cwd, file } = await openIncident(t);
  writeFileSync(join(cwd, 'empty'), '');
  const [header = ''] = readFileSync(file, 'utf8').split('\n');
  writeFileSync(join(cwd, 'quiet'), `${header}\n{"end":0}\n`);
  for (const [name, message] of [
    ['empty', /is empty/],
    ['absent', /can't be read/],
    ['quiet', /holds no decision/],
  ] as const) {
    const { exitCode, stderr } = await run('replay', name, '--json');
    assert.equal(exitCode, 1);
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
    assert.equal(error.code, 'BATON_INCIDENT_FILE');
    assert.match(error.message, message);
  }
});
