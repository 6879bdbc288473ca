import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatonError } from '../lib/baton-error.ts';
import { createLogger, type LoggerOptions } from './logger.ts';

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', format: 'json', ...options, write: (line) => lines.push(line) });
  return { log, lines };
}

test('a line of the log is JSON with level, time, pid and message', () => {
  const { log, lines } = capture();
  log.info({ node: 2 }, 'promoted');
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.equal(line['level'], 'info');
  assert.equal(line['msg'], 'promoted');
  assert.equal(line['node'], 2);
  assert.equal(line['pid'], process.pid);
  assert.match(String(line['time']), /^\d{4}-\d\d-\d\dT/);
});

test('the text format is one readable line, and an error brings its detail and hint', () => {
  const { log, lines } = capture({ format: 'text' });
  log.warn({ node: 2 }, 'the keeper is silent');
  const err = new BatonError('BATON_TIMEOUT', 'no answer', { detail: 'Asked twice.', hint: 'Look.' });
  log.error({ err }, 'report');
  assert.match(
    lines[0] ?? '',
    new RegExp(`^\\d\\d:\\d\\d:\\d\\d ${process.pid} WARN  the keeper is silent \\(node=2\\)\n$`),
  );
  assert.match(lines[1] ?? '', /ERROR report: no answer\n +DETAIL: Asked twice\.\n +HINT: Look\.\n$/);
});

test('secrets never reach the log, wherever they stand', () => {
  for (const format of ['json', 'text'] as const) {
    const { log, lines } = capture({ format });
    log.info(
      { password: 'hunter2', body: { token: 'hunter2' }, secrets: { keeper_password: 'hunter2' } },
      'x',
    );
    assert.ok(!lines.join('').includes('hunter2'), lines.join(''));
  }
});

test('an expected error is logged without its stack, a bug with it', () => {
  const { log, lines } = capture();
  log.error({ err: new BatonError('BATON_TIMEOUT', 'late', { cause: new Error('socket') }) }, 'x');
  log.error({ err: new TypeError('oops') }, 'x');
  assert.match(lines[0] ?? '', /"cause":\{"message":"socket"/);
  assert.ok(!(JSON.parse(lines[0] ?? '') as { err: { stack?: string } }).err.stack);
  assert.match(lines[1] ?? '', /"stack":"TypeError: oops/);
});
