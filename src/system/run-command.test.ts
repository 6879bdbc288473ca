import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programEnvironment, runCommand, runOrFail } from './run-command.ts';
import { isAlive } from './process.ts';

const LIMIT = { timeoutMs: 20_000 };
const NODE = process.execPath;

function script(text: string): [string, string[]] {
  return [NODE, ['-e', text]];
}

test('output, exit code and input of a program are passed on', async () => {
  const [file, args] = script('process.stdin.pipe(process.stdout); process.exitCode = 3');
  const result = await runCommand(file, args, { ...LIMIT, input: 'hello' });
  assert.deepEqual(result, { exitCode: 3, stdout: 'hello', stderr: '' });
});

test('lines come one by one, also those that end in a carriage return', async () => {
  const lines: string[] = [];
  const [file, args] = script(`process.stderr.write('1 %\\r2 %\\r\\n3 %')`);
  await runCommand(file, args, { ...LIMIT, onLine: (line, stream) => lines.push(`${stream} ${line}`) });
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(' ')),
    ['stderr 1 %', 'stderr 2 %', 'stderr 3 %'],
  );
});

test('a program that takes too long is killed with its children', async () => {
  let group = 0;
  const [file, args] = script(
    `const c = require('node:child_process').spawn('sleep', ['600']); console.log(c.pid); setInterval(() => {}, 1000)`,
  );
  let child = 0;
  const heard = Promise.withResolvers<void>();
  const abort = new AbortController();
  const work = runCommand(file, args, {
    ...LIMIT,
    signal: abort.signal,
    onStart: (pid) => (group = pid),
    onLine: (line) => {
      child = Number(line);
      heard.resolve();
    },
  });
  const fails = assert.rejects(work, { code: 'BATON_COMMAND_FAILED' });
  await heard.promise;
  assert.ok(isAlive(child));
  abort.abort();
  await fails;
  while (isAlive(child) || isAlive(group)) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('a program without progress is given up, one with progress is not', async () => {
  const silent = script(`setInterval(() => {}, 1000)`);
  await assert.rejects(runCommand(...silent, { ...LIMIT, silenceMs: () => 300 }), { code: 'BATON_TIMEOUT' });
  const busy = script(
    `let n = 0; const t = setInterval(() => { console.log(++n); if (n === 10) clearInterval(t) }, 50)`,
  );
  const { exitCode } = await runCommand(...busy, { ...LIMIT, silenceMs: () => 5_000 });
  assert.equal(exitCode, 0);
});

test('a program that is not there is named', async () => {
  await assert.rejects(runCommand('/nowhere/program', [], LIMIT), {
    code: 'BATON_COMMAND_FAILED',
    message: /nowhere/,
  });
});

test('a failure carries the last words of the program', async () => {
  const [file, args] = script(`console.error('no such luck'); process.exit(1)`);
  await assert.rejects(runOrFail(runCommand, file, args, LIMIT), { detail: /no such luck/ });
});

test('programs see no PG variables and speak English', () => {
  process.env['PGHOST'] = 'elsewhere';
  try {
    const env = programEnvironment();
    assert.equal(env['PGHOST'], undefined);
    assert.equal(env['LC_ALL'], 'C');
  } finally {
    delete process.env['PGHOST'];
  }
});
